/* The scripted hardware behind the pretended libnvidia-ml.so.1. See README.md for the file's grammar. */
#ifndef SCENARIO_H
#define SCENARIO_H

#define MAX_GPUS 64
#define MAX_PROCESSES 64
#define MAX_RULES 32
#define TEXT 96

typedef unsigned long long u64;

struct process { unsigned pid; u64 memory_bytes; int graphics; };
struct rule { char function[TEXT]; int code; int milliseconds; };

struct gpu {
  char uuid[TEXT], name[TEXT], serial[TEXT], bus_id[32];
  int lost, utilisation, memory_utilisation, encoder, decoder, temperature, memory_temperature, fan;
  int sm_clock, memory_clock, performance_state, power_mw, power_limit_mw, pcie_tx, pcie_rx, pcie_replays;
  int remapped_corrected, remapped_uncorrected, remap_pending, remap_failed, xid, xid_serial;
  u64 energy_mj, memory_total, memory_used, memory_reserved, throttle;
  u64 ecc_corrected, ecc_uncorrected, power_violation_ns, thermal_violation_ns, nvlink_tx, nvlink_rx;
  int process_count;
  struct process processes[MAX_PROCESSES];
  int rule_count;
  struct rule rules[MAX_RULES];
};

struct scenario {
  int there; /* there is a file: without one the driver is not loaded */
  int init_code, gpu_count, cuda;
  char driver[TEXT];
  struct gpu gpus[MAX_GPUS];
  int rule_count;
  struct rule rules[MAX_RULES];
};

/* The scenario as the file says now; read again only when the file changed. Never NULL. */
const struct scenario *scenario_now(void);

#endif
