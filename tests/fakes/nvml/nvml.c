/* The part of NVML that the agent asks, answered from the scenario file. Return codes are NVML's own. */
#include "scenario.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define OK 0
#define UNINITIALIZED 1
#define INVALID_ARGUMENT 2
#define NOT_SUPPORTED 3
#define INSUFFICIENT_SIZE 7
#define DRIVER_NOT_LOADED 9
#define TIMEOUT 10
#define GPU_IS_LOST 15

/* A handle names the slot and the GPU that was in it at init: another one there means this one is gone. */
struct device { int slot; char uuid[TEXT]; };
static struct device devices[MAX_GPUS];
static int device_count, initialised;
static int xid_seen[MAX_GPUS], xid_watched[MAX_GPUS];

static int ruled(const struct rule *rules, int count, const char *function) {
  for (int i = 0; i < count; i++) {
    if (strcmp(rules[i].function, function)) continue;
    if (rules[i].milliseconds) usleep(rules[i].milliseconds * 1000);
    if (rules[i].code) return rules[i].code;
  }
  return OK;
}

static int enter_scenario(const struct scenario *s, const char *function) {
  return initialised ? ruled(s->rules, s->rule_count, function) : UNINITIALIZED;
}

static int enter(const char *function) { return enter_scenario(scenario_now(), function); }

static int reach(const struct device *d, const char *function, const struct gpu **found) {
  const struct scenario *s = scenario_now();
  int code = enter_scenario(s, function);
  if (code) return code;
  const struct gpu *g = &s->gpus[d->slot];
  if (g->lost || d->slot >= s->gpu_count || strcmp(g->uuid, d->uuid)) return GPU_IS_LOST;
  *found = g;
  return ruled(g->rules, g->rule_count, function);
}

#define ON_GPU(d) \
  const struct gpu *g; \
  int code = reach((d), __func__, &g); \
  if (code) return code

/* ---- life ---- */
int nvmlInitWithFlags(unsigned flags) {
  const struct scenario *s = scenario_now();
  (void)flags;
  if (!s->there) return DRIVER_NOT_LOADED;
  int code = s->init_code ? s->init_code : ruled(s->rules, s->rule_count, "nvmlInit");
  if (code) return code;
  if (initialised++) return OK;
  device_count = s->gpu_count;
  for (int i = 0; i < device_count; i++) {
    devices[i].slot = i;
    snprintf(devices[i].uuid, TEXT, "%s", s->gpus[i].uuid);
    xid_seen[i] = s->gpus[i].xid_serial;
    xid_watched[i] = 0;
  }
  return OK;
}
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) {
  if (!initialised) return UNINITIALIZED;
  initialised--;
  return OK;
}
const char *nvmlErrorString(int code) {
  return code == OK ? "Success" : code == GPU_IS_LOST ? "GPU is lost" : "Scripted error";
}

/* ---- system ---- */
int nvmlSystemGetDriverVersion(char *text, unsigned length) {
  int code = enter(__func__);
  if (!code) snprintf(text, length, "%s", scenario_now()->driver);
  return code;
}
int nvmlSystemGetCudaDriverVersion_v2(int *version) {
  int code = enter(__func__);
  if (!code) *version = scenario_now()->cuda;
  return code;
}
int nvmlSystemGetCudaDriverVersion(int *version) { return nvmlSystemGetCudaDriverVersion_v2(version); }

/* ---- devices ---- */
int nvmlDeviceGetCount_v2(unsigned *count) {
  int code = enter(__func__);
  if (!code) *count = device_count;
  return code;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, struct device **handle) {
  int code = enter(__func__);
  if (code) return code;
  if (index >= (unsigned)device_count) return INVALID_ARGUMENT;
  *handle = &devices[index];
  return scenario_now()->gpus[index].lost ? GPU_IS_LOST : OK;
}
int nvmlDeviceGetIndex(struct device *d, unsigned *index) { *index = d->slot; return OK; }
int nvmlDeviceGetName(struct device *d, char *text, unsigned length) {
  ON_GPU(d); snprintf(text, length, "%s", g->name); return OK;
}
int nvmlDeviceGetUUID(struct device *d, char *text, unsigned length) {
  ON_GPU(d); snprintf(text, length, "%s", g->uuid); return OK;
}
int nvmlDeviceGetSerial(struct device *d, char *text, unsigned length) {
  ON_GPU(d); snprintf(text, length, "%s", g->serial); return OK;
}
struct pci { char legacy[16]; unsigned domain, bus, device, id, subsystem; char bus_id[32]; };
int nvmlDeviceGetPciInfo_v3(struct device *d, struct pci *pci) {
  ON_GPU(d);
  memset(pci, 0, sizeof *pci);
  pci->bus = 0x10 + d->slot;
  memcpy(pci->bus_id, g->bus_id, sizeof pci->bus_id);
  return OK;
}
int nvmlDeviceGetCudaComputeCapability(struct device *d, int *major, int *minor) {
  ON_GPU(d); *major = 9; *minor = 0; return OK;
}

/* ---- quick readings ---- */
struct utilisation { unsigned gpu, memory; };
int nvmlDeviceGetUtilizationRates(struct device *d, struct utilisation *u) {
  ON_GPU(d); u->gpu = g->utilisation; u->memory = g->memory_utilisation; return OK;
}
struct memory { u64 total, free, used; };
int nvmlDeviceGetMemoryInfo(struct device *d, struct memory *m) {
  ON_GPU(d);
  m->total = g->memory_total;
  m->used = g->memory_used + g->memory_reserved;
  m->free = m->total - m->used;
  return OK;
}
struct memory2 { unsigned version; u64 total, reserved, free, used; };
int nvmlDeviceGetMemoryInfo_v2(struct device *d, struct memory2 *m) {
  ON_GPU(d);
  m->total = g->memory_total;
  m->reserved = g->memory_reserved;
  m->used = g->memory_used;
  m->free = m->total - m->used - m->reserved;
  return OK;
}
int nvmlDeviceGetTemperature(struct device *d, int sensor, unsigned *celsius) {
  ON_GPU(d); (void)sensor; *celsius = g->temperature; return OK;
}
struct temperature { unsigned version; int sensor, celsius; };
int nvmlDeviceGetTemperatureV(struct device *d, struct temperature *t) {
  ON_GPU(d); t->celsius = g->temperature; return OK;
}
int nvmlDeviceGetPowerUsage(struct device *d, unsigned *mw) { ON_GPU(d); *mw = g->power_mw; return OK; }
int nvmlDeviceGetEnforcedPowerLimit(struct device *d, unsigned *mw) {
  ON_GPU(d); *mw = g->power_limit_mw; return OK;
}
int nvmlDeviceGetTotalEnergyConsumption(struct device *d, u64 *mj) { ON_GPU(d); *mj = g->energy_mj; return OK; }
int nvmlDeviceGetClockInfo(struct device *d, int kind, unsigned *mhz) {
  ON_GPU(d); *mhz = kind == 2 ? g->memory_clock : g->sm_clock; return OK;
}
int nvmlDeviceGetCurrentClocksEventReasons(struct device *d, u64 *bits) {
  ON_GPU(d); *bits = g->throttle; return OK;
}
int nvmlDeviceGetCurrentClocksThrottleReasons(struct device *d, u64 *bits) {
  ON_GPU(d); *bits = g->throttle; return OK;
}

/* ---- slow readings ---- */
int nvmlDeviceGetPcieThroughput(struct device *d, int counter, unsigned *kb) {
  ON_GPU(d); *kb = counter ? g->pcie_rx : g->pcie_tx; return OK;
}
int nvmlDeviceGetPcieReplayCounter(struct device *d, unsigned *count) {
  ON_GPU(d); *count = g->pcie_replays; return OK;
}
int nvmlDeviceGetEncoderUtilization(struct device *d, unsigned *percent, unsigned *period) {
  ON_GPU(d); *percent = g->encoder; *period = 167000; return OK;
}
int nvmlDeviceGetDecoderUtilization(struct device *d, unsigned *percent, unsigned *period) {
  ON_GPU(d); *percent = g->decoder; *period = 167000; return OK;
}
int nvmlDeviceGetFanSpeed(struct device *d, unsigned *percent) {
  ON_GPU(d);
  if (!g->fan) return NOT_SUPPORTED;  /* as on passively cooled boards */
  *percent = g->fan;
  return OK;
}
int nvmlDeviceGetPerformanceState(struct device *d, int *state) { ON_GPU(d); *state = g->performance_state; return OK; }
int nvmlDeviceGetTotalEccErrors(struct device *d, int type, int counter, u64 *count) {
  ON_GPU(d); (void)counter; *count = type ? g->ecc_uncorrected : g->ecc_corrected; return OK;
}
int nvmlDeviceGetRemappedRows(struct device *d, unsigned *corrected, unsigned *uncorrected, unsigned *pending,
                              unsigned *failed) {
  ON_GPU(d);
  *corrected = g->remapped_corrected;
  *uncorrected = g->remapped_uncorrected;
  *pending = g->remap_pending;
  *failed = g->remap_failed;
  return OK;
}
struct violation { u64 reference_us, violation_ns; };
int nvmlDeviceGetViolationStatus(struct device *d, int policy, struct violation *v) {
  ON_GPU(d);
  v->reference_us = 0;
  v->violation_ns = policy == 0 ? g->power_violation_ns : policy == 1 ? g->thermal_violation_ns : 0;
  return OK;
}
struct field_value {
  unsigned id, scope; long long timestamp, latency; int type; int code;
  union { double d; unsigned u; unsigned long ul; u64 ull; long long sll; } value;
};
int nvmlDeviceGetFieldValues(struct device *d, int count, struct field_value *v) {
  ON_GPU(d);
  for (int i = 0; i < count; i++) {
    v[i].code = OK;
    v[i].type = 3; /* unsigned long long */
    if (v[i].id == 82) { v[i].type = 1; v[i].value.u = g->memory_temperature; }
    else if (v[i].id == 138) v[i].value.ull = g->nvlink_tx;
    else if (v[i].id == 139) v[i].value.ull = g->nvlink_rx;
    else v[i].code = NOT_SUPPORTED;
  }
  return OK;
}

/* ---- processes ---- */
struct process_info { unsigned pid; u64 used; unsigned gpu_instance, compute_instance; };
static int list_processes(const struct gpu *g, int graphics, unsigned *count, struct process_info *out) {
  unsigned room = *count, n = 0;
  for (int i = 0; i < g->process_count; i++) {
    if (g->processes[i].graphics != graphics) continue;
    if (out && n < room) out[n] = (struct process_info){ g->processes[i].pid, g->processes[i].memory_bytes, ~0u, ~0u };
    n++;
  }
  *count = n;
  return n > room ? INSUFFICIENT_SIZE : OK;
}
int nvmlDeviceGetComputeRunningProcesses_v3(struct device *d, unsigned *count, struct process_info *out) {
  ON_GPU(d); return list_processes(g, 0, count, out);
}
int nvmlDeviceGetGraphicsRunningProcesses_v3(struct device *d, unsigned *count, struct process_info *out) {
  ON_GPU(d); return list_processes(g, 1, count, out);
}

/* ---- events ---- */
struct event_data { struct device *device; u64 type, data; unsigned gpu_instance, compute_instance; };
static int event_set;
int nvmlEventSetCreate(int **set) {
  int code = enter(__func__);
  if (!code) *set = &event_set;
  return code;
}
int nvmlEventSetFree(int *set) { (void)set; return OK; }
int nvmlDeviceRegisterEvents(struct device *d, u64 types, int *set) {
  ON_GPU(d); (void)g; (void)set; (void)types;
  xid_watched[d->slot] = 1;
  return OK;
}
int nvmlEventSetWait_v2(int *set, struct event_data *data, unsigned milliseconds) {
  int code = enter(__func__);
  (void)set; (void)milliseconds;
  if (code) return code;
  const struct scenario *s = scenario_now();
  for (int i = 0; i < device_count; i++) {
    if (!xid_watched[i] || s->gpus[i].xid_serial == xid_seen[i]) continue;
    xid_seen[i] = s->gpus[i].xid_serial;
    *data = (struct event_data){ &devices[i], 8, s->gpus[i].xid, ~0u, ~0u };
    return OK;
  }
  return TIMEOUT;
}
