#include "scenario.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <pthread.h>
#include <time.h>
#include <sys/stat.h>

/* Two copies: a reader in another thread may still look at the older one while the newer is filled. */
static struct scenario copies[2];
static int current;
static struct timespec read_at;
static ino_t read_inode;
static off_t read_size = -1;
static struct timespec looked_at;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

enum type { INT, U64, STR };
struct field { const char *key; enum type type; size_t offset; };
#define F(name, type) { #name, type, offsetof(struct gpu, name) }

static const struct field FIELDS[] = {
  F(uuid, STR), F(name, STR), F(serial, STR), F(lost, INT), F(utilisation, INT), F(memory_utilisation, INT),
  F(encoder, INT), F(decoder, INT), F(temperature, INT), F(memory_temperature, INT), F(fan, INT),
  F(sm_clock, INT), F(memory_clock, INT), F(performance_state, INT), F(power_mw, INT), F(power_limit_mw, INT),
  F(pcie_tx, INT), F(pcie_rx, INT), F(pcie_replays, INT), F(remapped_corrected, INT),
  F(remapped_uncorrected, INT), F(remap_pending, INT), F(remap_failed, INT), F(xid, INT), F(xid_serial, INT),
  F(energy_mj, U64), F(memory_total, U64), F(memory_used, U64), F(memory_reserved, U64), F(throttle, U64),
  F(ecc_corrected, U64), F(ecc_uncorrected, U64), F(power_violation_ns, U64), F(thermal_violation_ns, U64),
  F(nvlink_tx, U64), F(nvlink_rx, U64),
};

static void plug_in(struct gpu *g, int index) {
  memset(g, 0, sizeof *g);
  snprintf(g->uuid, TEXT, "GPU-57ab0000-0000-4000-8000-%012d", index);
  snprintf(g->name, TEXT, "Stub GPU 80GB");
  snprintf(g->serial, TEXT, "16500%07d", index);
  snprintf(g->bus_id, sizeof g->bus_id, "00000000:%02X:00.0", 0x10 + index);
  g->utilisation = 10 * index % 101;
  g->memory_utilisation = g->utilisation / 2;
  g->temperature = 40 + index;
  g->memory_temperature = 50 + index;
  g->sm_clock = 1980;
  g->memory_clock = 2619;
  g->power_mw = 300000 + 1000 * index;
  g->power_limit_mw = 700000;
  g->energy_mj = 1000000000ULL + index;
  g->memory_total = 85520809984ULL;
  g->memory_used = 1073741824ULL * (index + 1);
  g->memory_reserved = 600000000ULL;
  g->pcie_tx = 1000 + index;
  g->pcie_rx = 2000 + index;
  g->nvlink_tx = 5000;
  g->nvlink_rx = 6000;
}

static void set_field(struct gpu *g, const char *key, const char *text) {
  for (size_t i = 0; i < sizeof FIELDS / sizeof *FIELDS; i++) {
    if (strcmp(FIELDS[i].key, key)) continue;
    char *at = (char *)g + FIELDS[i].offset;
    if (FIELDS[i].type == INT) *(int *)(void *)at = atoi(text);
    if (FIELDS[i].type == U64) *(u64 *)(void *)at = strtoull(text, NULL, 0);
    if (FIELDS[i].type == STR) snprintf(at, TEXT, "%s", text);
  }
}

static void add_process(struct gpu *g, const char *text) {
  unsigned pid;
  u64 mebibytes;
  char kind[TEXT] = "compute";
  if (g->process_count == MAX_PROCESSES || sscanf(text, "%u %llu %95s", &pid, &mebibytes, kind) < 2) return;
  struct process *p = &g->processes[g->process_count++];
  p->pid = pid;
  p->memory_bytes = mebibytes << 20;
  p->graphics = !strcmp(kind, "graphics");
}

static void add_rule(struct rule *rules, int *count, const char *text, int slow) {
  struct rule r = { .code = 0 };
  int number;
  if (*count == MAX_RULES || sscanf(text, "%95s %d", r.function, &number) != 2) return;
  if (slow) r.milliseconds = number; else r.code = number;
  rules[(*count)++] = r;
}

static void gpu_line(struct scenario *s, const char *which, const char *key, const char *text) {
  for (int i = 0; i < MAX_GPUS; i++) {
    if (strcmp(which, "*") && atoi(which) != i) continue;
    struct gpu *g = &s->gpus[i];
    if (!strcmp(key, "process")) add_process(g, text);
    else if (!strcmp(key, "fail")) add_rule(g->rules, &g->rule_count, text, 0);
    else if (!strcmp(key, "slow")) add_rule(g->rules, &g->rule_count, text, 1);
    else set_field(g, key, text);
  }
}

static void line(struct scenario *s, char *text) {
  char key[TEXT], which[TEXT], inner[TEXT];
  int used = 0;
  text[strcspn(text, "#\r\n")] = 0;
  if (!strncmp(text, "gpu ", 4) && sscanf(text + 4, "%95s %95s %n", which, inner, &used) == 2 && used) {
    gpu_line(s, which, inner, text + 4 + used);
    return;
  }
  if (sscanf(text, "%95s %n", key, &used) != 1) return;
  const char *rest = text + used;
  if (!strcmp(key, "gpus")) s->gpu_count = atoi(rest) > MAX_GPUS ? MAX_GPUS : atoi(rest);
  if (!strcmp(key, "init")) s->init_code = atoi(rest);
  if (!strcmp(key, "cuda")) s->cuda = atoi(rest);
  if (!strcmp(key, "driver")) snprintf(s->driver, TEXT, "%s", rest);
  if (!strcmp(key, "fail")) add_rule(s->rules, &s->rule_count, rest, 0);
  if (!strcmp(key, "slow")) add_rule(s->rules, &s->rule_count, rest, 1);
}

static void fill(struct scenario *s, FILE *file) {
  char text[512];
  memset(s, 0, sizeof *s);
  s->there = file != NULL;
  s->gpu_count = 8;
  s->cuda = 13000;
  snprintf(s->driver, TEXT, "580.65.06");
  for (int i = 0; i < MAX_GPUS; i++) plug_in(&s->gpus[i], i);
  while (file && fgets(text, sizeof text, file)) line(s, text);
}

/* The kernel's coarse clock moves every 1-4 ms: looking at the file more often would price stat(), not pynvml. */
static int just_looked(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  int same = now.tv_sec == looked_at.tv_sec && now.tv_nsec == looked_at.tv_nsec;
  looked_at = now;
  return same;
}

static void look(void) {
  const char *path = getenv("DCP_FAKE_NVML");
  struct stat st = { 0 };
  int there = path && stat(path, &st) == 0;
  off_t size = there ? st.st_size : 0;
  ino_t inode = there ? st.st_ino : 0;
  int same_time = st.st_mtim.tv_sec == read_at.tv_sec && st.st_mtim.tv_nsec == read_at.tv_nsec;
  if (size != read_size || inode != read_inode || !same_time) {
    FILE *file = there ? fopen(path, "r") : NULL;
    fill(&copies[!current], file);
    if (file) fclose(file);
    current = !current;
    read_size = size;
    read_inode = inode;
    read_at = st.st_mtim;
  }
}

const struct scenario *scenario_now(void) {
  pthread_mutex_lock(&lock);
  if (!just_looked()) look();
  const struct scenario *now = &copies[current];
  pthread_mutex_unlock(&lock);
  return now;
}
