/* The interface of the component in tests/echo/worker.rs. */
#ifndef ECHO_H
#define ECHO_H

#include <ringfence_host.h>

enum { ECHO = 1, TELL, SLEEP, END, REFUSE, REFUSE_QUIETLY, METHODS = REFUSE_QUIETLY };
enum { TOLD = 1 };

static const rf_method echo_methods[METHODS] = {
    {"echo", 0, 0}, {"tell", 1, 0}, {"sleep", 0, 0}, {"end", 0, 0}, {"refuse", 0, 0}, {"refuseQuietly", 1, 0},
};
static const char *const echo_events[] = {"told"};
static const rf_interface echo_interface = {
    sizeof(rf_interface), "test.Opaque", UINT64_C(0x0123456789abcdef), echo_methods, METHODS, echo_events, 1,
};

#endif
