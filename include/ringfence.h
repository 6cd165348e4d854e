/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/**
 * \file ringfence.h
 * \brief Modules for ringfence in plain C: one header, no library
 *
 * A module is a shared object that exports two symbols: a record that says what it is (RINGFENCE_MODULE) and a
 * function that serves one connection to a host (ringfence_module_serve). This header has both, and everything that
 * such a function needs. `examples/c-module/module.c` is a whole module; `docs/module-wire.md` describes what goes over
 * the connection.
 *
 *     struct ringfence host;
 *     struct ringfence_call call;
 *     if (ringfence_accept(&host, socket, flags, &ringfence_module_info))
 *         while (ringfence_receive(&host, &call))
 *             ...                          read its parameters, then ringfence_reply() or ringfence_fault()
 *     return ringfence_close(&host, reason, reason_bytes);
 *
 * C99 or C++11, GCC or Clang, Linux on a little-endian 64-bit machine. Include it before other headers, or compile with
 * -D_GNU_SOURCE. What begins with `rfi_` is not for use and may change.
 *
 * THREADS. One thread at a time may receive. Everything that sends (reply, fault, emit, and receive, which reports a call
 * that was left unanswered) shares one ring: if other threads emit events, give the connection a lock of yours with
 * ringfence_set_lock(), before they start; and end them before ringfence_close(). A thread that waits for room in a full
 * ring holds that lock meanwhile, and stops waiting when the host is gone. Drafts belong to whoever writes them.
 *
 * HOSTS may be hostile: nothing in shared memory is trusted. A message is copied out once, and looked at in the copy.
 */
#ifndef RINGFENCE_H
#define RINGFENCE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#if defined(__GLIBC__) && !defined(__USE_GNU)
#error "include ringfence.h before other headers, or compile with -D_GNU_SOURCE"
#endif
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__ || __SIZEOF_POINTER__ != 8
#error "ringfence modules run on little-endian 64-bit machines"
#endif

#define RINGFENCE_STATIC_ASSERT(condition, name) typedef char ringfence_assert_##name[(condition) ? 1 : -1]

/* ---- The module ABI ------------------------------------------------------------------------------------------- */

/** Version of the record and of the entry point. */
#define RINGFENCE_ABI 1u
/** Version of everything that crosses a connection. */
#define RINGFENCE_PROTOCOL 3u
/** Number of the native encoding. */
#define RINGFENCE_NATIVE 1u
/** The most descriptors that a message carries. */
#define RINGFENCE_MAX_FDS 253
/** Flag of ringfence_module_serve(): the module runs in a process of its own, not in a thread of the host. */
#define RINGFENCE_OWN_PROCESS 1u

/** What a module is. A host reads it from the file, without loading it: so it holds no pointers. */
struct ringfence_info {
    uint8_t magic[8];              /**< "ringfmod" */
    uint32_t abi;                  /**< RINGFENCE_ABI */
    uint32_t size;                 /**< 512 */
    uint32_t module_version[3];    /**< major, minor, patch */
    uint32_t protocol;             /**< RINGFENCE_PROTOCOL */
    uint64_t interface_hash;       /**< as `mojomc dump` prints it */
    uint32_t pipeline_versions[2]; /**< first and last that it fits, inclusive */
    uint32_t encodings[4];         /**< RINGFENCE_NATIVE; 0 is unused */
    char name[64];                 /**< UTF-8, padded with NUL, as all texts here; not empty */
    char pipeline[64];             /**< e.g. "rpi/vc4"; not empty */
    char interface[128];           /**< full mojom name, e.g. "ipa.RPi.IPARPiInterface" */
    char loads_until[64];          /**< method in whose first call it still opens files; "" = none after the handshake */
    uint8_t reserved[128];         /**< zero */
};

RINGFENCE_STATIC_ASSERT(sizeof(struct ringfence_info) == 512, size);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, abi) == 8, abi);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, size) == 12, size_at);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, module_version) == 16, module_version);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, protocol) == 28, protocol);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, interface_hash) == 32, interface_hash);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, pipeline_versions) == 40, pipeline_versions);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, encodings) == 48, encodings);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, name) == 64, name);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, pipeline) == 128, pipeline);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, interface) == 192, interface);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, loads_until) == 320, loads_until);
RINGFENCE_STATIC_ASSERT(offsetof(struct ringfence_info, reserved) == 384, reserved);

#ifdef __cplusplus
extern "C" {
#endif

/** What this module is: define it with RINGFENCE_MODULE. */
extern __attribute__((visibility("default"))) const struct ringfence_info ringfence_module_info;

/**
 * Serves one connection until the host is done with it. A module defines it; a host calls it, perhaps several times at
 * once. It must not unwind: a module in C++ catches its exceptions.
 *
 * \param socket The module's end; the function owns it
 * \param flags RINGFENCE_OWN_PROCESS or 0
 * \param reason Where to write why it failed, with a NUL
 * \param reason_bytes Room there
 * \return 0 if all went well
 */
__attribute__((visibility("default"))) int32_t
ringfence_module_serve(int32_t socket, uint32_t flags, char *reason, size_t reason_bytes);

#ifdef __cplusplus
}
#endif

/**
 * Defines the module's record, once in a module, outside of functions. Texts are literals. The two versions are the first
 * and the last of the pipeline that the module fits.
 *
 *     RINGFENCE_MODULE("acme light meter", 1, 0, 0, "example", 1, 1, "example.LightMeterInterface", 0x1234, "");
 */
#define RINGFENCE_MODULE(name, major, minor, patch, pipeline, first_version, last_version, interface, hash, loads_until) \
    RINGFENCE_STATIC_ASSERT(sizeof(name) > 1 && sizeof(name) <= 64, name_fits);                                          \
    RINGFENCE_STATIC_ASSERT(sizeof(pipeline) > 1 && sizeof(pipeline) <= 64, pipeline_fits);                              \
    RINGFENCE_STATIC_ASSERT(sizeof(interface) > 1 && sizeof(interface) <= 128, interface_fits);                          \
    RINGFENCE_STATIC_ASSERT(sizeof(loads_until) <= 64, loads_until_fits);                                                \
    RINGFENCE_STATIC_ASSERT((first_version) <= (last_version), versions_are_in_order);                                   \
    const struct ringfence_info ringfence_module_info = {                                                                \
        {'r', 'i', 'n', 'g', 'f', 'm', 'o', 'd'},                                                                        \
        RINGFENCE_ABI,                                                                                                   \
        512,                                                                                                             \
        {major, minor, patch},                                                                                           \
        RINGFENCE_PROTOCOL,                                                                                              \
        hash,                                                                                                            \
        {first_version, last_version},                                                                                   \
        {RINGFENCE_NATIVE, 0, 0, 0},                                                                                     \
        name,                                                                                                            \
        pipeline,                                                                                                        \
        interface,                                                                                                       \
        loads_until,                                                                                                     \
        {0},                                                                                                             \
    }

/* ---- What a module uses --------------------------------------------------------------------------------------- */

/** Room for a reason or a problem, with its NUL. */
#define RINGFENCE_REASON_BYTES 256

/** A call that was received. It is valid until the next one is. */
struct ringfence_call {
    uint16_t method;     /**< Number of the method: from 1, in the order of the interface */
    bool wants_reply;    /**< Whether the host waits for results; else the method is [async] */
    uint32_t sequence;   /**< Number of the call */
    const uint8_t *body; /**< Its parameters in the native encoding: see ringfence_read() */
    size_t bytes;        /**< Bytes of them */
    char problem[128];   /**< What is wrong with them; empty as long as nothing was found */
    size_t rfi_next;
    int *rfi_fds;
    unsigned rfi_fd_count, rfi_fds_taken;
};

/** Where in a call's parameters is read: a fixed part, or the elements of an array. */
struct ringfence_in {
    struct ringfence_call *call;
    size_t at, end;
};

/** A message that is written. It may be used again and again, and is empty if it begins with RINGFENCE_DRAFT. */
struct ringfence_draft {
    uint8_t *rfi_memory;
    size_t rfi_room, rfi_bytes;
    const char *problem; /**< What is wrong with it; NULL as long as nothing is */
    unsigned rfi_fd_count;
    int rfi_fds[RINGFENCE_MAX_FDS];
};

#ifdef __cplusplus
#define RINGFENCE_DRAFT {}
#else
#define RINGFENCE_DRAFT {0}
#endif

/** Where in a draft is written: a fixed part, or the elements of an array. */
struct ringfence_out {
    struct ringfence_draft *draft;
    size_t at, end;
};

/** How long to look before a sleep (src/shm/spin.rs has the reasons). Times in nanoseconds. */
struct rfi_spinner {
    uint32_t policy, waits, hits;
    uint64_t typical, wake_up;
};

/** One ring, as both ends see it. */
struct rfi_ring {
    uint64_t *words;
    uint64_t lines, position;
    int data, space; /**< Doorbells: rung for the consumer and for the producer */
    struct rfi_spinner spinner;
};

/** A connection to a host. */
struct ringfence {
    uint64_t connection; /**< Its number, as the host's log and tools show it */
    const struct ringfence_info *info;
    int socket;
    /* What the serving thread alone uses. */
    struct rfi_ring in;
    uint64_t released, received, looks, sleeps, spurious, last_wake_up, records_at_start;
    uint8_t *record;
    size_t record_room, record_bytes;
    bool stale_bell, unanswered;
    int fds[RINGFENCE_MAX_FDS];
    struct ringfence_call current;
    char reason[RINGFENCE_REASON_BYTES];
    /* What is used under the lock. */
    void (*lock)(void *), (*unlock)(void *);
    void *lock_context;
    struct rfi_ring out;
    uint64_t head, sent, sent_bytes, wake_ups, full, high_water;
    char send_reason[RINGFENCE_REASON_BYTES];
    int send_failed;
};

/**
 * Agrees with the host on what is spoken. Whatever it returns, end with ringfence_close().
 *
 * \param socket The module's end of the connection, which \a host owns from now on
 * \param flags As ringfence_module_serve() was given them
 * \param info What this module is; used as long as the connection
 * \return Whether there is a connection. If not, the host is gone, or one of the two refused, which the host is told
 */
static inline bool
ringfence_accept(struct ringfence *host, int socket, uint32_t flags, const struct ringfence_info *info);

/** Says how threads that send exclude each other, before there is a second one. */
static inline void
ringfence_set_lock(struct ringfence *host, void (*lock)(void *), void (*unlock)(void *), void *context);

/** Waits for the next call. \return false when the host is done, or something failed: ringfence_close() tells. */
static inline bool ringfence_receive(struct ringfence *host, struct ringfence_call *call);

/**
 * Answers the call at hand with its results. Results that cannot be sent become a fault. Does nothing for a call that wants no
 * reply, and for one that has been answered.
 *
 * \return Whether the results were sent
 */
static inline bool
ringfence_reply(struct ringfence *host, const struct ringfence_call *call, struct ringfence_draft *results);

/** Says that the call at hand failed, and why, in a line for people. \return Whether the host will hear of it. */
static inline bool
ringfence_fault(struct ringfence *host, const struct ringfence_call *call, const char *why);

/**
 * Sends event number \a event, from 1 in the order of the interface. Waits for room if the ring is full.
 *
 * \return Whether it was sent. If not, no more can be: ringfence_receive() ends
 */
static inline bool ringfence_emit(struct ringfence *host, uint16_t event, struct ringfence_draft *body);

/** Ends the connection, and writes to \a reason why it failed, or "". \return 0 if all went well. */
static inline int32_t ringfence_close(struct ringfence *host, char *reason, size_t reason_bytes);

/* Reading. Fields are read in the order of the interface, arrays and what is in them too: the parameters' fixed parts first,
 * whose size is the sum of their fields' (docs/module-wire.md has the table). Nothing has to be checked on the way:
 * what cannot be read is zero or empty, and ringfence_read_all() tells in the end. */

/** Begins to read the parameters, whose fixed part has \a fixed_bytes bytes. */
static inline struct ringfence_in ringfence_read(struct ringfence_call *call, size_t fixed_bytes);
/** Whether all was right, and nothing is left; else `call->problem` says what is wrong. */
static inline bool ringfence_read_all(struct ringfence_call *call);

static inline bool ringfence_get_bool(struct ringfence_in *in);
static inline uint8_t ringfence_get_u8(struct ringfence_in *in);
static inline int8_t ringfence_get_i8(struct ringfence_in *in);
static inline uint16_t ringfence_get_u16(struct ringfence_in *in);
static inline int16_t ringfence_get_i16(struct ringfence_in *in);
static inline uint32_t ringfence_get_u32(struct ringfence_in *in);
static inline int32_t ringfence_get_i32(struct ringfence_in *in);
static inline uint64_t ringfence_get_u64(struct ringfence_in *in);
static inline int64_t ringfence_get_i64(struct ringfence_in *in);
static inline float ringfence_get_f32(struct ringfence_in *in);
static inline double ringfence_get_f64(struct ringfence_in *in);
/** A string of \a length bytes of UTF-8, without a NUL. */
static inline const char *ringfence_get_text(struct ringfence_in *in, size_t *length);
/** \a count elements of \a element_bytes bytes each, as they lie: little-endian, on a multiple of eight. Copy them out. */
static inline const uint8_t *ringfence_get_bytes(struct ringfence_in *in, size_t element_bytes, size_t *count);
/** The elements of an array, to be read from what is returned: \a count of them, with fixed parts of \a element_bytes bytes. */
static inline struct ringfence_in ringfence_get_array(struct ringfence_in *in, size_t element_bytes, size_t *count);
/** A descriptor, which is the caller's to close; -1 if there is none. */
static inline int ringfence_get_fd(struct ringfence_in *in);

/* Writing, in the same order. If something goes wrong, the draft has a `problem`, and sending it fails. */

/** Begins a message anew, whose fixed part has \a fixed_bytes bytes. */
static inline struct ringfence_out ringfence_write(struct ringfence_draft *draft, size_t fixed_bytes);
/** Frees a draft's memory; it is empty then. */
static inline void ringfence_draft_free(struct ringfence_draft *draft);

static inline void ringfence_put_bool(struct ringfence_out *out, bool value);
static inline void ringfence_put_u8(struct ringfence_out *out, uint8_t value);
static inline void ringfence_put_i8(struct ringfence_out *out, int8_t value);
static inline void ringfence_put_u16(struct ringfence_out *out, uint16_t value);
static inline void ringfence_put_i16(struct ringfence_out *out, int16_t value);
static inline void ringfence_put_u32(struct ringfence_out *out, uint32_t value);
static inline void ringfence_put_i32(struct ringfence_out *out, int32_t value);
static inline void ringfence_put_u64(struct ringfence_out *out, uint64_t value);
static inline void ringfence_put_i64(struct ringfence_out *out, int64_t value);
static inline void ringfence_put_f32(struct ringfence_out *out, float value);
static inline void ringfence_put_f64(struct ringfence_out *out, double value);
/** A string of \a length bytes, which have to be UTF-8. */
static inline void ringfence_put_text(struct ringfence_out *out, const char *text, size_t length);
/** An array of \a count numbers of \a element_bytes bytes each, as they lie in memory. */
static inline void
ringfence_put_bytes(struct ringfence_out *out, const void *elements, size_t element_bytes, size_t count);
/** An array, whose elements are written to what is returned, before anything else is written to \a out. */
static inline struct ringfence_out ringfence_put_array(struct ringfence_out *out, size_t element_bytes, size_t count);
/** A descriptor, or none for -1. It is still the caller's, and must be open until the message is sent. */
static inline void ringfence_put_fd(struct ringfence_out *out, int fd);

/* ---- Reading -------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static inline void
rfi_say(char *to, size_t bytes, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (bytes > 0 && vsnprintf(to, bytes, format, arguments) < 0)
        to[0] = 0;
    va_end(arguments);
}

static inline size_t
rfi_align(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

/** Whether these bytes are UTF-8 as RFC 3629 has it. Else \a valid says how many at the start are. */
static inline bool
rfi_is_utf8(const uint8_t *bytes, size_t length, size_t *valid)
{
    size_t at = 0;
    while (at < length) {
        uint8_t first = bytes[at];
        size_t more = first < 0x80 ? 0 : first < 0xc2 ? 9 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : first < 0xf5 ? 3 : 9;
        *valid = at;
        if (more >= length - at)
            return false;
        for (size_t index = 1; index <= more; index++) {
            /* The second byte has narrower bounds after some first ones: no overlong forms, surrogates, or beyond U+10FFFF. */
            uint8_t low = index == 1 && first == 0xe0 ? 0xa0 : index == 1 && first == 0xf0 ? 0x90 : 0x80;
            uint8_t high = index == 1 && first == 0xed ? 0x9f : index == 1 && first == 0xf4 ? 0x8f : 0xbf;
            if (bytes[at + index] < low || bytes[at + index] > high)
                return false;
        }
        at += more + 1;
    }
    *valid = length;
    return true;
}

/** Takes the next region, of \a needed bytes. Returns whether it is there. */
static inline bool
rfi_take(struct ringfence_call *call, uint64_t needed, size_t *offset)
{
    size_t from = call->rfi_next;
    uint64_t rest = from < call->bytes ? call->bytes - from : 0;
    *offset = from;
    if (call->problem[0] != 0)
        return false;
    if (needed > rest) {
        rfi_say(call->problem, sizeof(call->problem), "%llu bytes at offset %zu do not fit a message of %zu",
                (unsigned long long)needed, from, call->bytes);
        return false;
    }
    size_t end = from + (size_t)needed;
    call->rfi_next = rfi_align(end);
    for (size_t at = end; at < call->rfi_next && at < call->bytes; at++)
        if (call->body[at] != 0) {
            rfi_say(call->problem, sizeof(call->problem), "the padding at offset %zu is %u, not zero", at, call->body[at]);
            return false;
        }
    return true;
}

static inline struct ringfence_in
ringfence_read(struct ringfence_call *call, size_t fixed_bytes)
{
    struct ringfence_in in = {call, 0, 0};
    if (rfi_take(call, fixed_bytes, &in.at))
        in.end = in.at + fixed_bytes;
    else
        in.at = 0;
    return in;
}

static inline bool
ringfence_read_all(struct ringfence_call *call)
{
    if (call->problem[0] != 0)
        return false;
    if (call->rfi_next != call->bytes)
        rfi_say(call->problem, sizeof(call->problem), "the message has %zu bytes, its parts end at %zu", call->bytes,
                call->rfi_next);
    else if (call->rfi_fds_taken != call->rfi_fd_count)
        rfi_say(call->problem, sizeof(call->problem), "%u file descriptors came, %u are used", call->rfi_fd_count,
                call->rfi_fds_taken);
    return call->problem[0] == 0;
}

static inline void
rfi_get(struct ringfence_in *in, void *value, size_t bytes)
{
    if (in->call->problem[0] == 0 && bytes <= in->end - in->at) {
        memcpy(value, in->call->body + in->at, bytes);
        in->at += bytes;
        return;
    }
    memset(value, 0, bytes);
    if (in->call->problem[0] == 0)
        rfi_say(in->call->problem, sizeof(in->call->problem), "the module reads beyond a fixed part at offset %zu", in->at);
}

#define RFI_NUMBER(name, type)                                       \
    static inline type ringfence_get_##name(struct ringfence_in *in) \
    {                                                                \
        type value;                                                  \
        rfi_get(in, &value, sizeof(value));                          \
        return value;                                                \
    }
RFI_NUMBER(u8, uint8_t)
RFI_NUMBER(i8, int8_t)
RFI_NUMBER(u16, uint16_t)
RFI_NUMBER(i16, int16_t)
RFI_NUMBER(u32, uint32_t)
RFI_NUMBER(i32, int32_t)
RFI_NUMBER(u64, uint64_t)
RFI_NUMBER(i64, int64_t)
RFI_NUMBER(f32, float)
RFI_NUMBER(f64, double)
#undef RFI_NUMBER

static inline bool
ringfence_get_bool(struct ringfence_in *in)
{
    uint8_t value = ringfence_get_u8(in);
    if (value > 1 && in->call->problem[0] == 0)
        rfi_say(in->call->problem, sizeof(in->call->problem), "a truth value is %u", value);
    return value == 1 && in->call->problem[0] == 0;
}

static inline struct ringfence_in
ringfence_get_array(struct ringfence_in *in, size_t element_bytes, size_t *count)
{
    struct ringfence_call *call = in->call;
    struct ringfence_in elements = {call, 0, 0};
    size_t offset = ringfence_get_u32(in);
    size_t announced = ringfence_get_u32(in);
    *count = 0;
    if (call->problem[0] != 0)
        return elements;
    if (offset != call->rfi_next) {
        rfi_say(call->problem, sizeof(call->problem), "a region at offset %zu must be at offset %zu", offset,
                call->rfi_next);
        return elements;
    }
    /* Elements of no size could be announced without end. Else the product fits: both have less than 32 bits. */
    if (element_bytes == 0 || element_bytes > UINT32_MAX) {
        rfi_say(call->problem, sizeof(call->problem), "the module reads elements of %zu bytes", element_bytes);
        return elements;
    }
    if (rfi_take(call, (uint64_t)announced * element_bytes, &offset)) {
        elements.at = offset;
        elements.end = offset + announced * element_bytes;
        *count = announced;
    }
    return elements;
}

static inline const uint8_t *
ringfence_get_bytes(struct ringfence_in *in, size_t element_bytes, size_t *count)
{
    struct ringfence_in elements = ringfence_get_array(in, element_bytes, count);
    return in->call->body + elements.at;
}

static inline const char *
ringfence_get_text(struct ringfence_in *in, size_t *length)
{
    const uint8_t *text = ringfence_get_bytes(in, 1, length);
    size_t valid = 0;
    if (!rfi_is_utf8(text, *length, &valid)) {
        *length = 0;
        rfi_say(in->call->problem, sizeof(in->call->problem), "a string is no UTF-8 after %zu bytes", valid);
    }
    return (const char *)text;
}

static inline int
ringfence_get_fd(struct ringfence_in *in)
{
    struct ringfence_call *call = in->call;
    uint32_t place = ringfence_get_u32(in);
    if (place == 0 || call->problem[0] != 0)
        return -1;
    if (place != call->rfi_fds_taken + 1 || place > call->rfi_fd_count) {
        rfi_say(call->problem, sizeof(call->problem), "file descriptor %u is named where %u of %u is due", place,
                call->rfi_fds_taken + 1, call->rfi_fd_count);
        return -1;
    }
    int fd = call->rfi_fds[call->rfi_fds_taken];
    call->rfi_fds[call->rfi_fds_taken++] = -1;
    return fd;
}

/* ---- Writing -------------------------------------------------------------------------------------------------- */

/** Bytes before a message's body: kind, number of descriptors, method or event (u16), sequence (u32). */
#define RFI_HEADER_BYTES 8u

/** Appends a region of zeros to the draft, filled up to a multiple of eight. Returns whether there is memory for it. */
static inline bool
rfi_reserve(struct ringfence_draft *draft, uint64_t bytes, size_t *offset)
{
    *offset = draft->rfi_bytes;
    if (draft->problem != NULL)
        return false;
    if (bytes > UINT32_MAX || draft->rfi_bytes + bytes > UINT32_MAX - 7) {
        draft->problem = "the message is longer than 4 GiB";
        return false;
    }
    size_t end = rfi_align(draft->rfi_bytes + (size_t)bytes);
    if (RFI_HEADER_BYTES + end > draft->rfi_room) {
        size_t room = RFI_HEADER_BYTES + end + draft->rfi_room / 2 + 256;
        uint8_t *memory = (uint8_t *)realloc(draft->rfi_memory, room);
        if (memory == NULL) {
            draft->problem = "the module is out of memory";
            return false;
        }
        draft->rfi_memory = memory;
        draft->rfi_room = room;
    }
    memset(draft->rfi_memory + RFI_HEADER_BYTES + draft->rfi_bytes, 0, end - draft->rfi_bytes);
    draft->rfi_bytes = end;
    return true;
}

static inline struct ringfence_out
ringfence_write(struct ringfence_draft *draft, size_t fixed_bytes)
{
    struct ringfence_out out = {draft, 0, 0};
    draft->rfi_bytes = 0;
    draft->rfi_fd_count = 0;
    draft->problem = NULL;
    if (rfi_reserve(draft, fixed_bytes, &out.at))
        out.end = fixed_bytes;
    return out;
}

static inline void
ringfence_draft_free(struct ringfence_draft *draft)
{
    free(draft->rfi_memory);
    memset(draft, 0, sizeof(*draft));
}

static inline void
rfi_put(struct ringfence_out *out, const void *value, size_t bytes)
{
    if (out->draft->problem != NULL)
        return;
    if (bytes > out->end - out->at) {
        out->draft->problem = "the module writes more than the fixed part has room for";
        return;
    }
    memcpy(out->draft->rfi_memory + RFI_HEADER_BYTES + out->at, value, bytes);
    out->at += bytes;
}

#define RFI_NUMBER(name, type)                                                     \
    static inline void ringfence_put_##name(struct ringfence_out *out, type value) \
    {                                                                              \
        rfi_put(out, &value, sizeof(value));                                       \
    }
RFI_NUMBER(u8, uint8_t)
RFI_NUMBER(i8, int8_t)
RFI_NUMBER(u16, uint16_t)
RFI_NUMBER(i16, int16_t)
RFI_NUMBER(u32, uint32_t)
RFI_NUMBER(i32, int32_t)
RFI_NUMBER(u64, uint64_t)
RFI_NUMBER(i64, int64_t)
RFI_NUMBER(f32, float)
RFI_NUMBER(f64, double)
#undef RFI_NUMBER

static inline void
ringfence_put_bool(struct ringfence_out *out, bool value)
{
    ringfence_put_u8(out, value ? 1 : 0);
}

static inline struct ringfence_out
ringfence_put_array(struct ringfence_out *out, size_t element_bytes, size_t count)
{
    struct ringfence_out elements = {out->draft, 0, 0};
    /* Each of the two is checked, so that their product cannot overflow. */
    bool fits = element_bytes <= UINT32_MAX && count <= UINT32_MAX;
    if (rfi_reserve(out->draft, fits ? (uint64_t)element_bytes * count : UINT64_MAX, &elements.at)) {
        elements.end = elements.at + element_bytes * count;
        ringfence_put_u32(out, (uint32_t)elements.at);
        ringfence_put_u32(out, (uint32_t)count);
    }
    return elements;
}

static inline void
ringfence_put_bytes(struct ringfence_out *out, const void *elements, size_t element_bytes, size_t count)
{
    struct ringfence_out region = ringfence_put_array(out, element_bytes, count);
    if (count > 0)
        rfi_put(&region, elements, element_bytes * count);
}

static inline void
ringfence_put_text(struct ringfence_out *out, const char *text, size_t length)
{
    size_t valid = 0;
    if (!rfi_is_utf8((const uint8_t *)text, length, &valid) && out->draft->problem == NULL)
        out->draft->problem = "a string is no UTF-8";
    ringfence_put_bytes(out, text, 1, length);
}

static inline void
ringfence_put_fd(struct ringfence_out *out, int fd)
{
    struct ringfence_draft *draft = out->draft;
    if (fd >= 0 && draft->problem == NULL) {
        if (draft->rfi_fd_count == RINGFENCE_MAX_FDS) {
            draft->problem = "the message has more than 253 file descriptors";
            return;
        }
        draft->rfi_fds[draft->rfi_fd_count++] = fd;
    }
    ringfence_put_u32(out, fd >= 0 ? draft->rfi_fd_count : 0);
}

/* ---- Sockets and sleeping ------------------------------------------------------------------------------------- */

/** What a socket said. */
enum rfi_received { RFI_PACKET, RFI_NOTHING, RFI_CLOSED };

/** Takes the next packet, with its descriptors. Never blocks, whatever the socket's flags say: the host shares them. */
static inline enum rfi_received
rfi_receive(int socket, void *bytes, size_t room, size_t *length, int *fds, unsigned *fd_count, bool *truncated)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * RINGFENCE_MAX_FDS)];
    } control;
    struct iovec part;
    struct msghdr message;
    ssize_t got;
    part.iov_base = bytes;
    part.iov_len = room;
    memset(&message, 0, sizeof(message));
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof(control.bytes);
    do
        got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    *length = got > 0 ? (size_t)got : 0;
    *fd_count = 0;
    *truncated = false;
    if (got < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? RFI_NOTHING : RFI_CLOSED;
    *truncated = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < count; index++) {
            int fd;
            memcpy(&fd, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (*fd_count < RINGFENCE_MAX_FDS)
                fds[(*fd_count)++] = fd;
            else
                close(fd);
        }
    }
    return got == 0 && *fd_count == 0 && !*truncated ? RFI_CLOSED : RFI_PACKET;
}

/** Sends a packet, with descriptors. Never blocks. Returns 0 or an errno. */
static inline int
rfi_send_packet(int socket, const void *bytes, size_t length, const int *fds, unsigned fd_count)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int) * RINGFENCE_MAX_FDS)];
    } control;
    struct iovec part;
    struct msghdr message;
    ssize_t sent;
    /* sendmsg() does not write to it. */
    part.iov_base = (void *)(uintptr_t)bytes;
    part.iov_len = length;
    memset(&message, 0, sizeof(message));
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (fd_count > 0) {
        memset(&control, 0, sizeof(control));
        message.msg_control = control.bytes;
        message.msg_controllen = (socklen_t)CMSG_SPACE(sizeof(int) * fd_count);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = (socklen_t)CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * fd_count);
    }
    do
        sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

static inline void
rfi_close_all(int *fds, unsigned count)
{
    for (unsigned index = 0; index < count; index++) {
        if (fds[index] >= 0)
            close(fds[index]);
        fds[index] = -1;
    }
}

/** Sleeps until \a fd has \a events, or the host is gone; with \a fd < 0, only looks. Returns whether the host is there. If it is
 * not, what it said last may be there, to be looked for once more. */
static inline bool
rfi_sleep(int socket, int fd, short events)
{
    struct pollfd polled[2];
    polled[0].fd = socket;
    polled[0].events = POLLRDHUP;
    polled[1].fd = fd;
    polled[1].events = events;
    for (;;) {
        polled[0].revents = polled[1].revents = 0;
        int ready = poll(polled, fd < 0 ? 1 : 2, fd < 0 ? 0 : -1);
        if (ready < 0 && errno == EINTR)
            continue;
        /* Even if the descriptor is ready: a host may have given us one that always is. */
        return ready >= 0 && polled[0].revents == 0;
    }
}

static inline void
rfi_ring_bell(int bell)
{
    uint64_t one = 1;
    /* It fails if the counter is full, and the host woken already, or if the host gave us no eventfd: its loss. */
    ssize_t written = write(bell, &one, sizeof(one));
    (void)written;
}

/** Silences a doorbell. */
static inline void
rfi_hush_bell(int bell)
{
    uint64_t count;
    struct iovec part;
    part.iov_base = &count;
    part.iov_len = sizeof(count);
    /* Not left to O_NONBLOCK: that belongs to the open file, which the host shares. 8 is RWF_NOWAIT; the offset says that
     * there is none. */
    if (syscall(SYS_preadv2, (long)bell, &part, 1L, -1L, -1L, 8L) < 0 && (errno == EOPNOTSUPP || errno == ENOSYS)) {
        ssize_t got = read(bell, &count, sizeof(count));
        (void)got;
    }
}

static inline uint64_t
rfi_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* ---- How long to look ----------------------------------------------------------------------------------------- */

enum { RFI_SPIN = 0, RFI_ADAPTIVE = 1, RFI_BLOCK = 2, RFI_HITS = 1024, RFI_GLANCES = 256 };

static inline void
rfi_pause(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#endif
}

static inline void
rfi_spinner_init(struct rfi_spinner *spinner, uint32_t policy)
{
    spinner->policy = policy;
    spinner->waits = 0;
    spinner->hits = RFI_HITS;
    spinner->typical = 0;
    spinner->wake_up = 50000;
}

/** A sleep is put off for about as long as a wake-up costs. */
static inline uint64_t
rfi_budget(const struct rfi_spinner *spinner)
{
    return spinner->wake_up < 10000 ? 10000 : spinner->wake_up > 200000 ? 200000 : spinner->wake_up;
}

/** Whether a few looks without a clock have been enough lately, or it is time to try again. */
static inline bool
rfi_may_glance(const struct rfi_spinner *spinner)
{
    return spinner->policy == RFI_SPIN ||
           (spinner->policy == RFI_ADAPTIVE && (spinner->hits >= RFI_HITS / 8 || spinner->waits % 64 == 0));
}

static inline void
rfi_learn_glance(struct rfi_spinner *spinner, bool hit)
{
    spinner->hits = spinner->hits - spinner->hits / 8 + (hit ? RFI_HITS / 8u : 0u);
}

/** Begins a long wait. Returns whether to look for the length of the budget. */
static inline bool
rfi_may_look(struct rfi_spinner *spinner)
{
    spinner->waits++;
    return spinner->policy == RFI_SPIN ||
           (spinner->policy == RFI_ADAPTIVE &&
            (spinner->typical <= rfi_budget(spinner) || spinner->waits % 64 == 0));
}

static inline void
rfi_learn(struct rfi_spinner *spinner, uint64_t waited)
{
    uint64_t ceiling = 4 * rfi_budget(spinner);
    spinner->typical = spinner->typical * 7 / 8 + (waited < ceiling ? waited : ceiling) / 8;
}

/* ---- Rings ---------------------------------------------------------------------------------------------------- */

/* Words of a ring's memory: control areas of 128 bytes each, then lines of eight words, of which the first is the tag. */
enum {
    RFI_HEAD = 0,
    RFI_CONSUMER_ASLEEP = 16,
    RFI_PRODUCER_ASLEEP = 32,
    RFI_PRODUCER_COUNTERS = 48,
    RFI_CONSUMER_COUNTERS = 64,
    RFI_RANG_AT = 80,
    RFI_FIRST_LINE = 96,
    RFI_LINE_WORDS = 8,
    RFI_LINE_PAYLOAD = 7 /**< words */
};
/* Words 17 and 33 are for barriers that one side runs for both (membarrier). This side takes no part: it never writes 33,
 * so the host, which then finds it zero, never relies on barriers reaching us; and it never writes 17, so the host's
 * producer always fences. On this side both the producer (rfi_publish) and the consumer (rfi_prepare_sleep) fence. */

/** What the tag of a line says that continues a record. */
#define RFI_CONTINUED UINT32_MAX

static inline uint64_t
rfi_load(const uint64_t *words, size_t index)
{
    return __atomic_load_n(words + index, __ATOMIC_RELAXED);
}

static inline void
rfi_store(uint64_t *words, size_t index, uint64_t value)
{
    __atomic_store_n(words + index, value, __ATOMIC_RELAXED);
}

static inline size_t
rfi_capacity(const struct rfi_ring *ring)
{
    return (size_t)ring->lines * RFI_LINE_PAYLOAD * 8;
}

static inline uint64_t
rfi_lines_of(size_t bytes)
{
    size_t line = RFI_LINE_PAYLOAD * 8;
    return bytes <= line ? 1 : (bytes + line - 1) / line;
}

/** Index of the tag of the line at \a position: always within the ring. */
static inline size_t
rfi_tag_word(const struct rfi_ring *ring, uint64_t position)
{
    return RFI_FIRST_LINE + (size_t)(position & (ring->lines - 1)) * RFI_LINE_WORDS;
}

/** Maps the memory of a ring of so many lines. Returns whether it is sound; else \a reason says why not. */
static inline bool
rfi_ring_map(struct rfi_ring *ring, uint32_t lines, int memory, char *reason, size_t reason_bytes)
{
    /* F_GET_SEALS and F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW: without them the memory could shrink under our hands. */
    const int get_seals = 1034, required = 1 | 2 | 4;
    struct stat status;
    size_t bytes = (RFI_FIRST_LINE + (size_t)lines * RFI_LINE_WORDS) * 8;
    if (lines < 2 || lines > 1u << 24 || (lines & (lines - 1)) != 0) {
        rfi_say(reason, reason_bytes, "it offers a ring of %u lines; a power of two within 2..=16777216 is needed", lines);
        return false;
    }
    int seals = fcntl(memory, get_seals);
    if (seals < 0 || (seals & required) != required) {
        rfi_say(reason, reason_bytes, "the memory of a ring is not sealed against shrinking and growing (seals %#x)",
                seals < 0 ? 0u : (unsigned)seals);
        return false;
    }
    if (fstat(memory, &status) != 0 || status.st_size < 0 || (uint64_t)status.st_size != bytes) {
        rfi_say(reason, reason_bytes, "the memory of a ring of %u lines does not have %zu bytes", lines, bytes);
        return false;
    }
    void *words = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, memory, 0);
    if (words == MAP_FAILED) {
        rfi_say(reason, reason_bytes, "a ring of %zu bytes could not be mapped: %s", bytes, strerror(errno));
        return false;
    }
    ring->words = (uint64_t *)words;
    ring->lines = ring->position = lines;
    return true;
}

static inline void
rfi_ring_close(struct rfi_ring *ring)
{
    if (ring->words != NULL)
        munmap(ring->words, (RFI_FIRST_LINE + (size_t)ring->lines * RFI_LINE_WORDS) * 8);
    ring->words = NULL;
    if (ring->data >= 0)
        close(ring->data);
    if (ring->space >= 0)
        close(ring->space);
    ring->data = ring->space = -1;
}

/* ---- Receiving ------------------------------------------------------------------------------------------------ */

static inline bool
rfi_is_due(uint64_t tag, uint64_t position)
{
    return (uint32_t)(tag >> 32) == (uint32_t)position;
}

/** Whether a record is due. A hint: rfi_pop() looks again. */
static inline bool
rfi_is_ready(const struct rfi_ring *ring)
{
    return rfi_is_due(rfi_load(ring->words, rfi_tag_word(ring, ring->position)), ring->position);
}

/** Gives all lines read so far back to the host, and wakes it if it waits for them. */
static inline void
rfi_release(struct ringfence *host)
{
    uint64_t *words = host->in.words;
    if (host->released == host->in.position)
        return;
    host->released = host->in.position;
    /* Release: our reads of the lines come before the host's writes, which follow its acquire load of the head. */
    __atomic_store_n(words + RFI_HEAD, host->in.position, __ATOMIC_RELEASE);
    /* The head is stored before the flag is read; the host raises its flag before it reads the head again. With a full
     * fence between the two on either side, at least one sees the other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (rfi_load(words, RFI_PRODUCER_ASLEEP) != 0) {
        rfi_store(words, RFI_PRODUCER_ASLEEP, 0);
        rfi_ring_bell(host->in.space);
    }
}

/** Copies the next record out, if there is one. Returns 1, 0 if there is none, -1 if the host lies. */
static inline int
rfi_pop(struct ringfence *host, uint64_t *position)
{
    struct rfi_ring *ring = &host->in;
    /* Acquire pairs with the host's release store of the tag: the payload is visible. */
    uint64_t tag = __atomic_load_n(ring->words + rfi_tag_word(ring, ring->position), __ATOMIC_ACQUIRE);
    if (!rfi_is_due(tag, ring->position))
        return 0;
    size_t bytes = (uint32_t)tag;
    if (bytes > rfi_capacity(ring)) {
        rfi_say(host->reason, sizeof(host->reason), "the host announces a record of %zu bytes, the ring holds %zu", bytes,
                rfi_capacity(ring));
        return -1;
    }
    size_t words = rfi_align(bytes) / 8;
    if (words * 8 > host->record_room) {
        size_t room = words * 8 + host->record_room;
        uint8_t *record = (uint8_t *)realloc(host->record, room);
        if (record == NULL) {
            rfi_say(host->reason, sizeof(host->reason), "the module is out of memory");
            return -1;
        }
        host->record = record;
        host->record_room = room;
    }
    host->record_bytes = bytes;
    for (size_t done = 0; done < words;) {
        const uint64_t *payload =
            ring->words + rfi_tag_word(ring, ring->position + done / RFI_LINE_PAYLOAD) + 1;
        for (size_t word = 0; word < RFI_LINE_PAYLOAD && done < words; word++, done++) {
            uint64_t value = rfi_load(payload, word);
            memcpy(host->record + done * 8, &value, 8);
        }
    }
    *position = ring->position;
    host->received++;
    rfi_store(ring->words, RFI_CONSUMER_COUNTERS, host->received);
    rfi_store(ring->words, RFI_CONSUMER_COUNTERS + 1, host->looks);
    ring->position += rfi_lines_of(bytes);
    /* Telling the host costs a line transfer, so a busy module does it four times a lap. */
    if (ring->position - host->released >= (ring->lines + 3) / 4)
        rfi_release(host);
    return 1;
}

static inline void
rfi_count_look(struct ringfence *host)
{
    host->looks++;
    rfi_store(host->in.words, RFI_CONSUMER_COUNTERS + 1, host->looks);
}

/** Says that the module is about to sleep. Returns whether it may: there may be a record already. */
static inline bool
rfi_prepare_sleep(struct ringfence *host)
{
    /* The flag is raised before the tag is read again; the host stores the tag before it reads the flag, with a fence in
     * between on its side too. Release and acquire alone would let both miss. */
    rfi_store(host->in.words, RFI_CONSUMER_ASLEEP, 1);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!rfi_is_ready(&host->in))
        return true;
    rfi_store(host->in.words, RFI_CONSUMER_ASLEEP, 0);
    return false;
}

/** Waits until it pays to look again. Returns whether the host is there. */
static inline bool
rfi_wait_for_record(struct ringfence *host)
{
    struct rfi_ring *ring = &host->in;
    struct rfi_spinner *spinner = &ring->spinner;
    if (rfi_may_glance(spinner)) {
        bool hit = false;
        for (int look = 0; look < RFI_GLANCES && !hit; look++) {
            rfi_pause();
            hit = rfi_is_ready(ring);
        }
        rfi_learn_glance(spinner, hit);
        if (hit) {
            rfi_count_look(host);
            spinner->typical = spinner->typical * 7 / 8;
            return true;
        }
    }
    rfi_release(host);
    uint64_t start = rfi_now();
    if (rfi_may_look(spinner)) {
        do {
            for (int look = 0; look < 64; look++) {
                if (rfi_is_ready(ring)) {
                    rfi_count_look(host);
                    rfi_learn(spinner, rfi_now() - start);
                    return true;
                }
                rfi_pause();
            }
        } while (rfi_now() - start < rfi_budget(spinner));
    }
    if (spinner->policy == RFI_SPIN)
        return rfi_sleep(host->socket, -1, 0);
    /* Silenced only now: the record that it was rung for was more urgent. */
    if (host->stale_bell)
        rfi_hush_bell(ring->data);
    host->stale_bell = false;
    if (!rfi_prepare_sleep(host))
        return true;
    host->stale_bell = true;
    bool there = rfi_sleep(host->socket, ring->data, POLLIN);
    rfi_store(ring->words, RFI_CONSUMER_ASLEEP, 0);
    uint64_t now = rfi_now(), rang_at = rfi_load(ring->words, RFI_RANG_AT);
    host->sleeps++;
    if (there && !rfi_is_ready(ring))
        host->spurious++;
    if (there && rang_at != 0 && rang_at <= now) {
        uint64_t cost = now - rang_at < 200000 ? now - rang_at : 200000;
        host->last_wake_up = now - rang_at;
        spinner->wake_up = spinner->wake_up * 7 / 8 + cost / 8;
    }
    rfi_store(ring->words, RFI_CONSUMER_COUNTERS + 2, host->sleeps);
    rfi_store(ring->words, RFI_CONSUMER_COUNTERS + 3, host->spurious);
    rfi_store(ring->words, RFI_CONSUMER_COUNTERS + 4, host->last_wake_up);
    rfi_learn(spinner, now - start);
    return there;
}

/** Takes the descriptors of the record at \a position, which the host sent before it. */
static inline bool
rfi_receive_fds(struct ringfence *host, uint64_t position, unsigned announced)
{
    uint64_t tag = 0;
    size_t length;
    unsigned count = 0;
    bool truncated = false;
    enum rfi_received got = rfi_receive(host->socket, &tag, sizeof(tag), &length, host->fds, &count, &truncated);
    if (got == RFI_PACKET && length == sizeof(tag) && !truncated && tag == position && count == announced) {
        host->current.rfi_fd_count = count;
        return true;
    }
    if (got == RFI_PACKET)
        rfi_close_all(host->fds, count);
    rfi_say(host->reason, sizeof(host->reason),
            "a message announces %u file descriptors, the socket delivered %u for it", announced, count);
    return false;
}

static inline bool
ringfence_receive(struct ringfence *host, struct ringfence_call *call)
{
    struct ringfence_call *current = &host->current;
    uint64_t position = 0;
    bool there = true;
    if (host->unanswered && current->wants_reply)
        ringfence_fault(host, current, "the method sent no reply");
    host->unanswered = false;
    rfi_close_all(host->fds, current->rfi_fd_count);
    memset(current, 0, offsetof(struct ringfence_call, problem) + 1);
    current->rfi_fd_count = current->rfi_fds_taken = 0;
    *call = *current;
    if (host->in.words == NULL || host->reason[0] != 0)
        return false;
    for (;;) {
        /* Acquire: the reason is there with it. */
        if (__atomic_load_n(&host->send_failed, __ATOMIC_ACQUIRE) != 0)
            return false;
        int popped = rfi_pop(host, &position);
        if (popped != 0) {
            if (popped < 0)
                return false;
            break;
        }
        if (!there)
            return false;
        there = rfi_wait_for_record(host);
    }
    if (host->record_bytes < RFI_HEADER_BYTES) {
        rfi_say(host->reason, sizeof(host->reason), "a message of %zu bytes is shorter than its header", host->record_bytes);
        return false;
    }
    uint8_t kind = host->record[0], fds = host->record[1];
    if (fds != 0 && !rfi_receive_fds(host, position, fds))
        return false;
    if (kind == 6) /* Bye */
        return false;
    if (kind != 1 && kind != 2) {
        rfi_say(host->reason, sizeof(host->reason), "a message of kind %u cannot come from there", kind);
        return false;
    }
    memcpy(&current->method, host->record + 2, 2);
    memcpy(&current->sequence, host->record + 4, 4);
    current->wants_reply = kind == 1;
    current->body = host->record + RFI_HEADER_BYTES;
    current->bytes = host->record_bytes - RFI_HEADER_BYTES;
    current->rfi_next = 0;
    current->rfi_fds = host->fds;
    host->unanswered = true;
    *call = *current;
    return true;
}

/* ---- Sending -------------------------------------------------------------------------------------------------- */

enum rfi_kind { RFI_REPLY = 3, RFI_FAULT = 4, RFI_EVENT = 5 };

static inline void
rfi_publish_counters(struct ringfence *host)
{
    rfi_store(host->out.words, RFI_PRODUCER_COUNTERS + 2, host->wake_ups);
    rfi_store(host->out.words, RFI_PRODUCER_COUNTERS + 3, host->full);
    rfi_store(host->out.words, RFI_PRODUCER_COUNTERS + 4, host->high_water);
}

/** Looks how far the host has read. Returns whether it can be true. */
static inline bool
rfi_read_head(struct ringfence *host)
{
    struct rfi_ring *ring = &host->out;
    /* Acquire pairs with the host's release store: its reads of the lines that it gives back come before our writes. Zero,
     * in fresh memory, is the start. */
    uint64_t head = __atomic_load_n(ring->words + RFI_HEAD, __ATOMIC_ACQUIRE);
    if (head < ring->lines)
        head = ring->lines;
    if (head < host->head || head > ring->position)
        return false;
    host->head = head;
    if (ring->position - head > host->high_water)
        host->high_water = ring->position - head;
    return true;
}

static inline bool
rfi_has_room(const struct ringfence *host, uint64_t lines)
{
    return host->out.lines - (host->out.position - host->head) >= lines;
}

/** Nothing can be sent any more. */
static inline bool
rfi_fail_sending(struct ringfence *host, const char *why)
{
    rfi_say(host->send_reason, sizeof(host->send_reason), "the host takes no messages: %s", why);
    __atomic_store_n(&host->send_failed, 1, __ATOMIC_RELEASE);
    return false;
}

/** Waits until there is room for so many lines. Returns whether there is. */
static inline bool
rfi_wait_for_room(struct ringfence *host, uint64_t lines)
{
    struct rfi_ring *ring = &host->out;
    struct rfi_spinner *spinner = &ring->spinner;
    while (!rfi_has_room(host, lines)) {
        if (!rfi_read_head(host))
            return rfi_fail_sending(host, "it says that it read what was never written");
        if (rfi_has_room(host, lines))
            break;
        if (rfi_may_glance(spinner)) {
            bool hit = false;
            for (int look = 0; look < RFI_GLANCES && !hit; look++) {
                rfi_pause();
                hit = !rfi_read_head(host) || rfi_has_room(host, lines);
            }
            rfi_learn_glance(spinner, hit);
            if (hit)
                continue;
        }
        if (spinner->policy == RFI_SPIN) {
            if (!rfi_sleep(host->socket, -1, 0))
                return rfi_fail_sending(host, "it is gone");
            continue;
        }
        /* As in rfi_release(), seen from the other side: the flag is raised before the head is read again. */
        rfi_store(ring->words, RFI_PRODUCER_ASLEEP, 1);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        bool there = true;
        if (rfi_read_head(host) && !rfi_has_room(host, lines)) {
            host->full++;
            rfi_publish_counters(host);
            there = rfi_sleep(host->socket, ring->space, POLLIN);
            rfi_hush_bell(ring->space);
        }
        rfi_store(ring->words, RFI_PRODUCER_ASLEEP, 0);
        if (!there)
            return rfi_fail_sending(host, "it is gone");
        spinner->waits++;
    }
    return true;
}

/** Copies a record into the ring, where there is room for it, publishes it, and wakes the host if it sleeps. */
static inline void
rfi_publish(struct ringfence *host, const uint8_t *record, size_t bytes)
{
    struct rfi_ring *ring = &host->out;
    uint64_t *ring_words = ring->words;
    size_t words = bytes / 8;
    uint64_t lines = rfi_lines_of(bytes);
    /* The first line last: the host keeps looking at it, and takes it away from us whenever it looks. */
    for (uint64_t turn = 1; turn <= lines; turn++) {
        uint64_t line = turn == lines ? 0 : turn;
        size_t tag = rfi_tag_word(ring, ring->position + line);
        for (size_t word = 0; word < RFI_LINE_PAYLOAD && line * RFI_LINE_PAYLOAD + word < words; word++) {
            uint64_t value;
            memcpy(&value, record + (line * RFI_LINE_PAYLOAD + word) * 8, 8);
            rfi_store(ring_words, tag + 1 + word, value);
        }
        if (line != 0)
            rfi_store(ring_words, tag, (ring->position + line) << 32 | RFI_CONTINUED);
    }
    /* Release pairs with the host's acquire load of the tag: who sees the tag sees the whole record. */
    __atomic_store_n(ring_words + rfi_tag_word(ring, ring->position), ring->position << 32 | bytes, __ATOMIC_RELEASE);
    ring->position += lines;
    host->sent++;
    host->sent_bytes += bytes;
    /* The tag is stored before the flag is read; the host raises the flag before it reads the tag again. With a full fence
     * between the two on either side, at least one sees the other. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    bool asleep = rfi_load(ring_words, RFI_CONSUMER_ASLEEP) != 0;
    if (asleep)
        rfi_store(ring_words, RFI_CONSUMER_ASLEEP, 0);
    rfi_store(ring_words, RFI_PRODUCER_COUNTERS, host->sent);
    rfi_store(ring_words, RFI_PRODUCER_COUNTERS + 1, host->sent_bytes);
    host->wake_ups += asleep;
    if (host->sent % 256 == 0)
        rfi_read_head(host);
    if (asleep || host->sent % 256 == 0)
        rfi_publish_counters(host);
    if (asleep) {
        rfi_store(ring_words, RFI_RANG_AT, rfi_now());
        rfi_ring_bell(ring->data);
    }
}

/** Sends a draft. Under the lock. */
static inline bool
rfi_send_locked(struct ringfence *host, enum rfi_kind kind, uint16_t number, uint32_t sequence, struct ringfence_draft *draft)
{
    size_t bytes = RFI_HEADER_BYTES + draft->rfi_bytes;
    uint8_t head[2];
    /* Acquire, as in ringfence_receive(). */
    if (host->out.words == NULL || __atomic_load_n(&host->send_failed, __ATOMIC_ACQUIRE) != 0)
        return false;
    if (!rfi_wait_for_room(host, rfi_lines_of(bytes)))
        return false;
    /* The descriptors go first: whoever sees the message finds them waiting. */
    while (draft->rfi_fd_count > 0) {
        uint64_t tag = host->out.position;
        int error = rfi_send_packet(host->socket, &tag, sizeof(tag), draft->rfi_fds, draft->rfi_fd_count);
        if (error == 0)
            break;
        if (error != EAGAIN && error != EWOULDBLOCK)
            return rfi_fail_sending(host, strerror(error));
        if (!rfi_sleep(host->socket, host->socket, POLLOUT))
            return rfi_fail_sending(host, "it is gone");
    }
    head[0] = (uint8_t)kind;
    head[1] = (uint8_t)draft->rfi_fd_count;
    memcpy(draft->rfi_memory, head, 2);
    memcpy(draft->rfi_memory + 2, &number, 2);
    memcpy(draft->rfi_memory + 4, &sequence, 4);
    rfi_publish(host, draft->rfi_memory, bytes);
    return true;
}

static inline bool
rfi_send(struct ringfence *host, enum rfi_kind kind, uint16_t number, uint32_t sequence, struct ringfence_draft *draft)
{
    if (host->lock != NULL)
        host->lock(host->lock_context);
    bool sent = rfi_send_locked(host, kind, number, sequence, draft);
    if (host->unlock != NULL)
        host->unlock(host->lock_context);
    return sent;
}

/** Whether a draft can be sent at all; else \a why says why not. */
static inline bool
rfi_can_send(const struct ringfence *host, const struct ringfence_draft *draft, char *why, size_t why_bytes)
{
    size_t bytes = RFI_HEADER_BYTES + draft->rfi_bytes;
    if (draft->problem != NULL || draft->rfi_memory == NULL)
        rfi_say(why, why_bytes, "%s", draft->problem != NULL ? draft->problem : "nothing was written to the draft");
    else if (host->out.words != NULL && bytes > rfi_capacity(&host->out))
        rfi_say(why, why_bytes, "a record of %zu bytes exceeds the ring's %zu", bytes, rfi_capacity(&host->out));
    else
        return true;
    return false;
}

static inline bool
ringfence_reply(struct ringfence *host, const struct ringfence_call *call, struct ringfence_draft *results)
{
    char why[128];
    if (!host->unanswered || !call->wants_reply)
        return false;
    if (!rfi_can_send(host, results, why, sizeof(why))) {
        ringfence_fault(host, call, why);
        return false;
    }
    host->unanswered = false;
    return rfi_send(host, RFI_REPLY, call->method, call->sequence, results);
}

static inline bool
ringfence_fault(struct ringfence *host, const struct ringfence_call *call, const char *why)
{
    struct ringfence_draft draft;
    size_t length = strlen(why), valid = 0;
    if (!host->unanswered || host->out.words == NULL)
        return false;
    host->unanswered = false;
    /* What does not fit is cut off, and so is what is no text. */
    if (length > rfi_capacity(&host->out) - RFI_HEADER_BYTES - 8)
        length = rfi_capacity(&host->out) - RFI_HEADER_BYTES - 8;
    if (!rfi_is_utf8((const uint8_t *)why, length, &valid))
        length = valid;
    memset(&draft, 0, sizeof(draft));
    struct ringfence_out out = ringfence_write(&draft, 8);
    ringfence_put_text(&out, why, length);
    bool sent = draft.problem == NULL && rfi_send(host, RFI_FAULT, call->method, call->sequence, &draft);
    ringfence_draft_free(&draft);
    return sent;
}

static inline bool
ringfence_emit(struct ringfence *host, uint16_t event, struct ringfence_draft *body)
{
    char why[128];
    if (host->lock != NULL)
        host->lock(host->lock_context);
    bool sent = false;
    if (rfi_can_send(host, body, why, sizeof(why)))
        sent = rfi_send_locked(host, RFI_EVENT, event, 0, body);
    else if (__atomic_load_n(&host->send_failed, __ATOMIC_ACQUIRE) == 0)
        rfi_fail_sending(host, why);
    if (host->unlock != NULL)
        host->unlock(host->lock_context);
    return sent;
}

/* ---- Beginning and end ---------------------------------------------------------------------------------------- */

/* The two packets of the handshake. All numbers are little-endian, and not aligned. */
enum {
    RFI_HELLO_PROTOCOL = 8,
    RFI_HELLO_PAGE_BYTES = 12,
    RFI_HELLO_ENCODING = 16,
    RFI_HELLO_TO_WORKER_LINES = 20,
    RFI_HELLO_TO_HOST_LINES = 24,
    RFI_HELLO_WORKER_WAIT = 28,
    RFI_HELLO_ONE_PROCESSOR = 32,
    RFI_HELLO_HASH = 36,
    RFI_HELLO_NAME = 44,
    RFI_HELLO_CONNECTION = 172,
    RFI_HELLO_BYTES = 180,
    RFI_HELLO_FDS = 6,
    RFI_ANSWER_PROTOCOL = 8,
    RFI_ANSWER_SANDBOX = 12,
    RFI_ANSWER_HASH = 16,
    RFI_ANSWER_ACCEPTED = 24,
    RFI_ANSWER_REASON = 28,
    RFI_ANSWER_BYTES = 272
};

static inline uint32_t
rfi_u32(const uint8_t *packet, size_t at)
{
    uint32_t value;
    memcpy(&value, packet + at, sizeof(value));
    return value;
}

/** Copies a name of up to 128 bytes; what is not printable ASCII becomes a question mark. */
static inline void
rfi_name(char *to, const uint8_t *from)
{
    size_t at = 0;
    for (; at < 128 && from[at] != 0; at++)
        to[at] = from[at] >= ' ' && from[at] <= '~' ? (char)from[at] : '?';
    to[at] = 0;
}

/** Layers of the sandbox that can be seen: no_new_privs and the filter of system calls. */
static inline uint32_t
rfi_visible_layers(void)
{
    return (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 1u : 0u) | (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) == 2 ? 1u << 9 : 0u);
}

/** Whether this thread may use one processor only. */
static inline bool
rfi_has_one_processor(void)
{
    cpu_set_t processors;
    return sched_getaffinity(0, sizeof(processors), &processors) == 0 && CPU_COUNT(&processors) < 2;
}

/** Waits for the host's offer. Returns whether one came; else the host is gone, or there is a reason. */
static inline bool
rfi_await_offer(struct ringfence *host, uint8_t *hello, size_t *length, unsigned *fd_count)
{
    bool truncated = false, there = true;
    for (;;) {
        switch (rfi_receive(host->socket, hello, RFI_HELLO_BYTES, length, host->fds, fd_count, &truncated)) {
        case RFI_PACKET:
            /* A longer one is of another version, which is what has to be told. */
            if (*length < RFI_HELLO_PROTOCOL + 4 || memcmp(hello, "ringfnce", 8) != 0)
                rfi_say(host->reason, sizeof(host->reason), "its first packet of %zu bytes is no ringfence handshake", *length);
            else if (truncated && rfi_u32(hello, RFI_HELLO_PROTOCOL) == RINGFENCE_PROTOCOL)
                *length = RFI_HELLO_BYTES + 1;
            return true;
        case RFI_CLOSED:
            return false;
        case RFI_NOTHING:
            if (!there)
                return false;
            there = rfi_sleep(host->socket, host->socket, POLLIN);
        }
    }
}

/** Checks the offer, and takes what it offers. If it is of no use, `host->reason` says why. */
static inline void
rfi_check_offer(struct ringfence *host, uint32_t flags, const uint8_t *hello, size_t length, unsigned fd_count)
{
    const struct ringfence_info *info = host->info;
    char *reason = host->reason, theirs[129], ours[129];
    const size_t room = sizeof(host->reason);
    uint64_t hash;
    uint32_t number = rfi_u32(hello, RFI_HELLO_PROTOCOL);
    if (number != RINGFENCE_PROTOCOL) {
        rfi_say(reason, room, "it speaks protocol version %u, this side speaks %u; build both from one ringfence release",
                number, RINGFENCE_PROTOCOL);
        return;
    }
    if (length != RFI_HELLO_BYTES) {
        rfi_say(reason, room, "its first packet does not have the %u bytes of a handshake", (unsigned)RFI_HELLO_BYTES);
        return;
    }
    uint32_t page_bytes = (uint32_t)sysconf(_SC_PAGESIZE);
    number = rfi_u32(hello, RFI_HELLO_PAGE_BYTES);
    if (number != page_bytes) {
        rfi_say(reason, room, "its pages have %u bytes, this side's %u", number, page_bytes);
        return;
    }
    number = rfi_u32(hello, RFI_HELLO_ENCODING);
    if (number != RINGFENCE_NATIVE) {
        rfi_say(reason, room, "it wants encoding %u, this side knows %u (native)", number, RINGFENCE_NATIVE);
        return;
    }
    memcpy(&hash, hello + RFI_HELLO_HASH, sizeof(hash));
    if (hash != info->interface_hash) {
        rfi_name(theirs, hello + RFI_HELLO_NAME);
        rfi_name(ours, (const uint8_t *)info->interface);
        rfi_say(reason, room,
                "it has interface %s with hash %#018llx, this side %s with %#018llx; build both sides from the same mojom file",
                theirs, (unsigned long long)hash, ours, (unsigned long long)info->interface_hash);
        return;
    }
    uint32_t policy = rfi_u32(hello, RFI_HELLO_WORKER_WAIT);
    if (policy > RFI_BLOCK) {
        rfi_say(reason, room, "it asks for waiting policy %u, which is none", policy);
        return;
    }
    if (fd_count != RFI_HELLO_FDS) {
        rfi_say(reason, room, "%u file descriptors came with the offer, %u are needed", fd_count, (unsigned)RFI_HELLO_FDS);
        return;
    }
    int to_worker = host->fds[0], to_host = host->fds[1];
    host->in.data = host->fds[2];
    host->in.space = host->fds[3];
    host->out.data = host->fds[4];
    host->out.space = host->fds[5];
    for (unsigned index = 0; index < RFI_HELLO_FDS; index++)
        host->fds[index] = -1;
    bool sound = rfi_ring_map(&host->in, rfi_u32(hello, RFI_HELLO_TO_WORKER_LINES), to_worker, reason, room) &&
                 rfi_ring_map(&host->out, rfi_u32(hello, RFI_HELLO_TO_HOST_LINES), to_host, reason, room);
    close(to_worker);
    close(to_host);
    if (!sound)
        return;
    host->released = host->in.position;
    host->head = host->out.position;
    memcpy(&host->connection, hello + RFI_HELLO_CONNECTION, sizeof(host->connection));
    /* A thread may have other processors than the one that started it; a worker may not see the host's. */
    bool alone = (flags & RINGFENCE_OWN_PROCESS) != 0 ? rfi_u32(hello, RFI_HELLO_ONE_PROCESSOR) == 1 : rfi_has_one_processor();
    rfi_spinner_init(&host->in.spinner, alone ? (uint32_t)RFI_BLOCK : policy);
    rfi_spinner_init(&host->out.spinner, alone ? (uint32_t)RFI_BLOCK : policy);
}

static inline bool
ringfence_accept(struct ringfence *host, int socket, uint32_t flags, const struct ringfence_info *info)
{
    uint8_t hello[RFI_HELLO_BYTES], answer[RFI_ANSWER_BYTES];
    size_t length = 0;
    unsigned fd_count = 0;
    memset(host, 0, sizeof(*host));
    memset(hello, 0, sizeof(hello));
    memset(answer, 0, sizeof(answer));
    host->info = info;
    host->socket = socket;
    host->in.data = host->in.space = host->out.data = host->out.space = -1;
    if (!rfi_await_offer(host, hello, &length, &fd_count))
        return false;
    if (host->reason[0] == 0)
        rfi_check_offer(host, flags, hello, length, fd_count);
    rfi_close_all(host->fds, fd_count);
    uint32_t protocol = RINGFENCE_PROTOCOL, sandbox = rfi_visible_layers(), accepted = host->reason[0] == 0;
    size_t reason_bytes = strnlen(host->reason, RFI_ANSWER_BYTES - RFI_ANSWER_REASON);
    memcpy(answer, "ringfnce", 8);
    memcpy(answer + RFI_ANSWER_PROTOCOL, &protocol, 4);
    memcpy(answer + RFI_ANSWER_SANDBOX, &sandbox, 4);
    memcpy(answer + RFI_ANSWER_HASH, &info->interface_hash, 8);
    memcpy(answer + RFI_ANSWER_ACCEPTED, &accepted, 4);
    memcpy(answer + RFI_ANSWER_REASON, host->reason, reason_bytes);
    int error = rfi_send_packet(socket, answer, sizeof(answer), NULL, 0);
    if (error != 0 && accepted == 1)
        rfi_say(host->reason, sizeof(host->reason), "the host could not be answered: %s", strerror(error));
    return host->reason[0] == 0;
}

static inline void
ringfence_set_lock(struct ringfence *host, void (*lock)(void *), void (*unlock)(void *), void *context)
{
    host->lock = lock;
    host->unlock = unlock;
    host->lock_context = context;
}

static inline int32_t
ringfence_close(struct ringfence *host, char *reason, size_t reason_bytes)
{
    bool gone = !rfi_sleep(host->socket, -1, 0);
    /* That a host which is gone takes no messages is no failure. */
    const char *why = host->reason;
    if (why[0] == 0 && host->send_failed != 0 && !gone)
        why = host->send_reason;
    rfi_say(reason, reason_bytes, "%s", why);
    int32_t result = why[0] == 0 ? 0 : 1;
    /* Heard even if the descriptor is open elsewhere. */
    shutdown(host->socket, SHUT_RDWR);
    close(host->socket);
    rfi_close_all(host->fds, host->current.rfi_fd_count);
    rfi_ring_close(&host->in);
    rfi_ring_close(&host->out);
    free(host->record);
    memset(host, 0, sizeof(*host));
    host->socket = -1;
    return result;
}

#endif
