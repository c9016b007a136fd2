/* A stand-in for libnvidia-ml.so.1: a few boards under a square-wave load whose energy is known exactly.
 *
 * Loaded by the real pynvml, so that symbol names, argument types and structure layouts are tested too (NVML API
 * reference; the layouts are stated again here, as the header is NVIDIA's). What is left out on purpose, such as
 * nvmlDeviceGetEnforcedPowerLimit, answers "function not found" in pynvml, as an old driver does.
 *
 * Knobs, all from the environment:
 *   STUB_DEVICES=2  STUB_HIGH_W=300  STUB_LOW_W=100   boards; power in the first and in the second half of a period
 *   STUB_PERIOD_S=0.5   period of the load; 0 is a constant load of STUB_HIGH_W
 *   STUB_UPDATE_S=0.1   how often counter and sensors renew their value
 *   STUB_ARCH=9  STUB_NAME=...  STUB_MIG=0   architecture (9 is Hopper), name, MIG mode
 *   STUB_MODULE_POWER=0   1: power fields exist for the module only, as on Grace-Hopper
 *   STUB_FAIL="nvmlDeviceGetPowerUsage=15@0.5,..."   a function's error code from so many seconds after start on;
 *                       "#1" after the code limits it to board 1: "nvmlDeviceGetTemperature=15#1@0.5"
 * Truth: 100 W per board more for each higher index; the counter starts at 1e9 mJ; time 0 is the monotonic clock's.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <time.h>

typedef union { double d; unsigned ui; unsigned long ul; unsigned long long ull; long long ll; int i; } Value;
typedef struct {
    unsigned field, scope;
    int64_t timestamp_us, latency_us;
    unsigned type;
    int result;
    Value value;
} FieldValue;
typedef struct { unsigned gpu, memory; } Utilization;
typedef struct { unsigned long long total, free, used; } Memory;
typedef struct {
    char legacy[16];
    unsigned domain, bus, device, device_id, subsystem_id;
    char bus_id[32];
} PciInfo;

enum { OK = 0, INVALID = 2, NOT_SUPPORTED = 3, NOT_FOUND = 6 };
static double started;

static double knob(const char *name, double otherwise) {
    const char *text = getenv(name);
    return text ? atof(text) : otherwise;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

/* Time of the last renewal of a sensor. */
static double seen(void) {
    double update = knob("STUB_UPDATE_S", 0.1);
    return update > 0 ? floor(now() / update) * update : now();
}

static int board(void *handle) { return (int)(intptr_t)handle - 1; }

static double watts(int index, double t) {
    double period = knob("STUB_PERIOD_S", 0.5), high = knob("STUB_HIGH_W", 300), low = knob("STUB_LOW_W", 100);
    return 100.0 * index + (period <= 0 || fmod(t, period) < period / 2 ? high : low);
}

/* Energy in J from time 0 to t: whole periods, and what is left of the last one. */
static double joules(int index, double t) {
    double period = knob("STUB_PERIOD_S", 0.5), high = knob("STUB_HIGH_W", 300), low = knob("STUB_LOW_W", 100);
    if (period <= 0) return (100.0 * index + high) * t;
    double whole = floor(t / period), rest = t - whole * period;
    double in_high = rest < period / 2 ? rest : period / 2;
    return 100.0 * index * t + whole * period * (high + low) / 2 + in_high * high + (rest - in_high) * low;
}

/* The error code that STUB_FAIL asks for, else OK. */
static int fault(const char *function, int index) {
    char text[1024], *rest = text, *entry;
    snprintf(text, sizeof text, "%s", getenv("STUB_FAIL") ? getenv("STUB_FAIL") : "");
    while ((entry = strsep(&rest, ","))) {
        char *code = strchr(entry, '='), *only = strchr(entry, '#'), *after = strchr(entry, '@');
        if (!code || strncmp(entry, function, code - entry) || function[code - entry]) continue;
        if (only && atoi(only + 1) != index) continue;
        if (!after || now() - started >= atof(after + 1)) return atoi(code + 1);
    }
    return OK;
}

#define TRY(handle) { int e = fault(__func__, board(handle)); if (e) return e; }

int nvmlInitWithFlags(unsigned flags) { (void)flags; if (!started) started = now(); TRY(0); return OK; }
int nvmlInit_v2(void) { return nvmlInitWithFlags(0); }
int nvmlShutdown(void) { return OK; }

const char *nvmlErrorString(int code) {
    static const char *names[] = {"Success", "Uninitialized", "Invalid Argument", "Not Supported", "Insufficient Permissions",
                                  "Already initialized", "Not Found", "Insufficient Size"};
    return code == 15 ? "GPU is lost" : code >= 0 && code < 8 ? names[code] : "Unknown Error";
}

int nvmlSystemGetDriverVersion(char *text, unsigned size) { snprintf(text, size, "999.42"); return OK; }
int nvmlDeviceGetCount_v2(unsigned *count) { TRY(0); *count = (unsigned)knob("STUB_DEVICES", 2); return OK; }

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle) {
    if (index >= knob("STUB_DEVICES", 2)) return INVALID;
    *handle = (void *)(intptr_t)(index + 1);
    return OK;
}

int nvmlDeviceGetUUID(void *handle, char *text, unsigned size) {
    snprintf(text, size, "GPU-%08d-aaaa-bbbb-cccc-000000000000", 11111111 * (board(handle) + 1));
    return OK;
}

/* MIG instances are called MIG-<index of the board>-<anything>; their handle is the board's plus 1000. */
int nvmlDeviceGetHandleByUUID(const char *uuid, void **handle) {
    if (strncmp(uuid, "MIG-", 4) || uuid[4] < '0' || uuid[4] - '0' >= knob("STUB_DEVICES", 2)) return NOT_FOUND;
    *handle = (void *)(intptr_t)(uuid[4] - '0' + 1 + 1000);
    return OK;
}

int nvmlDeviceGetDeviceHandleFromMigDeviceHandle(void *mig, void **handle) {
    *handle = (void *)((intptr_t)mig - 1000);
    return OK;
}

int nvmlDeviceGetName(void *handle, char *text, unsigned size) {
    TRY(handle);
    snprintf(text, size, "%s", getenv("STUB_NAME") ? getenv("STUB_NAME") : "NVIDIA Stub");
    return OK;
}

int nvmlDeviceGetArchitecture(void *handle, unsigned *arch) { TRY(handle); *arch = (unsigned)knob("STUB_ARCH", 9); return OK; }

int nvmlDeviceGetPciInfo_v3(void *handle, PciInfo *info) {
    TRY(handle);
    memset(info, 0, sizeof *info);
    info->bus = 0x10 + board(handle);
    snprintf(info->bus_id, sizeof info->bus_id, "00000000:%02X:00.0", info->bus);
    return OK;
}

int nvmlDeviceGetMigMode(void *handle, unsigned *current, unsigned *pending) {
    TRY(handle);
    *current = *pending = (unsigned)knob("STUB_MIG", 0);
    return OK;
}

int nvmlDeviceGetPowerUsage(void *handle, unsigned *milliwatts) {
    TRY(handle);
    *milliwatts = (unsigned)(1e3 * watts(board(handle), seen()));
    return OK;
}

int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *millijoules) {
    TRY(handle);
    *millijoules = 1000000000ull + (unsigned long long)(1e3 * joules(board(handle), seen()));
    return OK;
}

int nvmlDeviceGetFieldValues(void *handle, int count, FieldValue *values) {
    TRY(handle);
    int module_only = knob("STUB_MODULE_POWER", 0) != 0;
    for (int i = 0; i < count; i++) {
        double t = seen(), mean = joules(board(handle), t) - joules(board(handle), t - 1);
        values[i].timestamp_us = (int64_t)(1e6 * t);
        values[i].type = 1;
        values[i].result = values[i].scope != (unsigned)module_only ? NOT_SUPPORTED : OK;
        if (values[i].field == 186) values[i].value.ui = (unsigned)(1e3 * watts(board(handle), t));
        else if (values[i].field == 185) values[i].value.ui = (unsigned)(1e3 * mean);
        else values[i].result = NOT_SUPPORTED;
    }
    return OK;
}

int nvmlDeviceGetUtilizationRates(void *handle, Utilization *rates) {
    TRY(handle);
    rates->gpu = watts(board(handle), seen()) > knob("STUB_LOW_W", 100) + 100 * board(handle) ? 90 : 10;
    rates->memory = 40;
    return OK;
}

int nvmlDeviceGetMemoryInfo(void *handle, Memory *memory) {
    TRY(handle);
    memory->total = 80ull << 30;
    memory->used = (unsigned long long)(board(handle) + 1) << 30;
    memory->free = memory->total - memory->used;
    return OK;
}

int nvmlDeviceGetTemperature(void *handle, unsigned sensor, unsigned *celsius) {
    TRY(handle);
    *celsius = 50 + sensor + board(handle);
    return OK;
}

int nvmlDeviceGetClockInfo(void *handle, unsigned type, unsigned *mhz) {
    TRY(handle);
    *mhz = type == 1 ? 1980 : 2619;
    return OK;
}

int nvmlDeviceGetCurrentClocksEventReasons(void *handle, unsigned long long *reasons) {
    TRY(handle);
    *reasons = 0x4;
    return OK;
}
