/*
 * The host side of ringfence: runs a component in a sandboxed worker process and calls it.
 *
 * Made by cbindgen from the sources of ringfence-capi; do not edit. C99 and C++11.
 *
 * Rules that hold for all functions:
 *
 * Results. What can fail returns an rf_status: RF_OK, RF_NOTHING where there is nothing to take, or an RF_ERROR_*. Its
 *   last parameter is where a description goes: NULL if it is not wanted, else the address of a pointer, which is
 *   set to NULL or to an rf_error that the caller frees with rf_error_free(). What it held before is not looked at.
 * Pointers. NULL where something is needed, lengths without memory, numbers that are none of those listed and texts that
 *   are not UTF-8 are RF_ERROR_ARGUMENT. Functions without an rf_status do nothing then, or return what they say. Other
 *   pointers must be valid, as everywhere in C; what a call is given it reads before it returns, and keeps no pointer.
 * Ownership. What *_new() and rf_connect() return belongs to the caller, who gives it to *_free() or rf_close() once.
 *   These take NULL. Descriptors that are passed in stay the caller's. Descriptors that come in belong to their
 *   rf_message until they are taken out of it, and are closed with it: nothing leaks that is not looked at.
 * Threads. Different objects can be used by different threads at the same time. One object is used by one thread at a
 *   time, any. A connection that is in use by another thread says RF_ERROR_BUSY, but for rf_close(), which must be the last.
 * Workers. The kernel kills a worker when the thread ends that called rf_connect() for it, unless the options name a nursery.
 * Failures. A worker that dies, lies or hangs is an error that says so, never the end of this process. After
 *   RF_ERROR_DIED, RF_ERROR_PROTOCOL and RF_ERROR_INTERNAL a connection is lost: whatever is asked of it says so again,
 *   and only rf_close() is left. After every other error it can be used as before.
 * Forks. A child of fork() has no use for a connection, and must not touch it; exec closes all its descriptors.
 * Times are nanoseconds. UINT64_MAX is for ever.
 */

#ifndef RINGFENCE_HOST_H
#define RINGFENCE_HOST_H



#include <stddef.h>
#include <stdint.h>

/**
 * Version of the functions and structs of this header. It changes when a program has to be compiled anew.
 */
#define RF_ABI_VERSION 1

/**
 * rf_options_sandbox(): every layer that there is, and the worker is not started without those that are required.
 */
#define RF_SANDBOX_STRICT 0

/**
 * rf_options_sandbox(): every layer that there is; rf_layers() tells which.
 */
#define RF_SANDBOX_BEST_EFFORT 1

/**
 * rf_options_sandbox(): none. The component may do whatever this process may.
 */
#define RF_SANDBOX_OFF 2

/**
 * rf_options_host_wait(): looks for a while, as long as it pays, and then sleeps.
 */
#define RF_WAIT_ADAPTIVE 0

/**
 * rf_options_host_wait(): looks without pause, and takes a processor for itself meanwhile.
 */
#define RF_WAIT_SPIN 1

/**
 * rf_options_host_wait(): sleeps at once.
 */
#define RF_WAIT_BLOCK 2

/**
 * rf_options_on_full(): a call waits for room until its deadline.
 */
#define RF_FULL_WAIT 0

/**
 * rf_options_on_full(): it fails at once with RF_ERROR_FULL.
 */
#define RF_FULL_FAIL 1

/**
 * rf_options_queue(): the worker is ended, with RF_ERROR_PROTOCOL.
 */
#define RF_FLOOD_CUT_OFF 0

/**
 * rf_options_queue(): the oldest events make room.
 */
#define RF_FLOOD_DROP_OLDEST 1

/**
 * rf_options_queue(): those that come are dropped until there is room.
 */
#define RF_FLOOD_DROP_NEWEST 2

/**
 * A layer: no program that the worker could start would have more privileges than it.
 */
#define RF_LAYER_NO_NEW_PRIVS 1

/**
 * A layer: no descriptor of the host's but those that it needs.
 */
#define RF_LAYER_CLOSED_FDS 2

/**
 * A layer: limits of memory, descriptors and file sizes; no core dumps.
 */
#define RF_LAYER_RLIMITS 4

/**
 * A layer: a user namespace of its own, in which it is nobody in particular.
 */
#define RF_LAYER_USER_NS 8

/**
 * A layer: a network namespace of its own, in which there is no network.
 */
#define RF_LAYER_NET_NS 16

/**
 * A layer: System V objects and message queues of its own, which are none.
 */
#define RF_LAYER_IPC_NS 32

/**
 * A layer: a host name of its own.
 */
#define RF_LAYER_UTS_NS 64

/**
 * A layer: it can name no other process.
 */
#define RF_LAYER_PID_NS 128

/**
 * A layer: of the file system it sees only the files it is to read.
 */
#define RF_LAYER_LANDLOCK 256

/**
 * A layer: a filter of system calls.
 */
#define RF_LAYER_SECCOMP 512

/**
 * A layer: once its module is loaded, it may open no more files and map nothing executable.
 */
#define RF_LAYER_SEAL 1024

/**
 * What went wrong.
 */
#define RF_LOG_ERROR 0

/**
 * What should not be, such as a missing layer of the sandbox, and most of what workers write to their standard error.
 */
#define RF_LOG_WARNING 1

/**
 * What is being done, such as which worker is started and why that one.
 */
#define RF_LOG_INFO 2

/**
 * For those who look for a mistake.
 */
#define RF_LOG_DEBUG 3

/**
 * Everything.
 */
#define RF_LOG_TRACE 4

/**
 * What a function has to say. Later versions may know more: whatever is neither RF_OK nor RF_NOTHING is a failure.
 */
typedef enum rf_status {
    /**
     * It is done.
     */
    RF_OK = 0,
    /**
     * No failure: there is no event, or none came in time.
     */
    RF_NOTHING = 1,
    /**
     * An argument cannot be right. Nothing was done.
     */
    RF_ERROR_ARGUMENT = 2,
    /**
     * Another thread is using the connection. Nothing was done.
     */
    RF_ERROR_BUSY = 3,
    /**
     * The library has a bug. The connection is lost.
     */
    RF_ERROR_INTERNAL = 4,
    /**
     * The system refused something, such as memory or descriptors.
     */
    RF_ERROR_SYSTEM = 5,
    /**
     * There is no worker program, or it cannot be started.
     */
    RF_ERROR_WORKER = 10,
    /**
     * The worker cannot be confined as the options demand, and was not started.
     */
    RF_ERROR_SANDBOX = 11,
    /**
     * The worker speaks another interface, another version of it, or another protocol.
     */
    RF_ERROR_HANDSHAKE = 12,
    /**
     * The worker has ended; see rf_error_exit(). The connection is lost.
     */
    RF_ERROR_DIED = 20,
    /**
     * The worker broke the rules of the connection and was ended. The connection is lost.
     */
    RF_ERROR_PROTOCOL = 21,
    /**
     * The reply did not come in time. The call may have been carried out; a late reply is thrown away.
     */
    RF_ERROR_DEADLINE = 30,
    /**
     * There was no room for the message: at once or in time, as the options say. It was not sent.
     */
    RF_ERROR_FULL = 31,
    /**
     * The message is longer than the ring, or has too many descriptors. It was not sent.
     */
    RF_ERROR_TOO_LARGE = 32,
    /**
     * The descriptors cannot be sent. Nor was the message.
     */
    RF_ERROR_DESCRIPTORS = 33,
    /**
     * The component refused the call: it cannot read it, or its method failed.
     */
    RF_ERROR_REFUSED = 34,
    /**
     * Something else, which this version of the API has no number for.
     */
    RF_ERROR_OTHER = 99,
} rf_status;

/**
 * How a worker ended.
 */
typedef enum rf_exit {
    /**
     * The error is not about the end of a worker.
     */
    RF_EXIT_NONE = 0,
    /**
     * It exited with a status, the number.
     */
    RF_EXIT_STATUS = 1,
    /**
     * A signal killed it, the number.
     */
    RF_EXIT_SIGNAL = 2,
    /**
     * It was killed for a system call that its sandbox forbids; the message names it.
     */
    RF_EXIT_FORBIDDEN = 3,
    /**
     * It was killed since it had not answered a call by its deadline, nor in the grace time after it.
     */
    RF_EXIT_WEDGED = 4,
    /**
     * It closed its end of the connection and would not end.
     */
    RF_EXIT_CLOSED = 5,
    /**
     * In some other way, which the message tells.
     */
    RF_EXIT_OTHER = 6,
} rf_exit;

/**
 * A connection to a component in a worker process.
 */
typedef struct rf_connection rf_connection;

/**
 * Why something failed. It never changes, so that any number of threads may read it.
 */
typedef struct rf_error rf_error;

/**
 * A reply or an event, in memory that is used again for the next one.
 */
typedef struct rf_message rf_message;

/**
 * A thread that starts workers.
 */
typedef struct rf_nursery rf_nursery;

/**
 * Settings of a connection. What is not set is as rf_options_new() says.
 */
typedef struct rf_options rf_options;

/**
 * Which worker to start.
 */
typedef struct rf_worker rf_worker;

/**
 * One method of an interface.
 */
typedef struct rf_method {
    /**
     * Its mojom name, of 1 to 127 bytes.
     */
    const char *name;
    /**
     * Not zero if it is one way: it has no reply, and is called with rf_cast().
     */
    uint32_t one_way;
    /**
     * Zero.
     */
    uint32_t reserved;
} rf_method;

/**
 * An interface. The worker must have been built with the same one. `mojomc dump` tells all of it.
 */
typedef struct rf_interface {
    /**
     * sizeof(rf_interface), so that it can grow.
     */
    size_t size;
    /**
     * Full mojom name, such as "ipa.RPi.IPARPiInterface", of 1 to 127 bytes.
     */
    const char *name;
    /**
     * Hash of everything that shapes a message.
     */
    uint64_t hash;
    /**
     * Methods, numbered from 1 in this order.
     */
    const struct rf_method *methods;
    /**
     * How many; at most 65535.
     */
    size_t method_count;
    /**
     * Names of the events, numbered from 1 in this order.
     */
    const char *const *events;
    /**
     * How many; at most 65535.
     */
    size_t event_count;
} rf_interface;

/**
 * What is sent: bytes and descriptors, as they are. A component that ringfence generated expects the native encoding.
 */
typedef struct rf_body {
    /**
     * The bytes; may be NULL if there are none.
     */
    const void *bytes;
    /**
     * How many.
     */
    size_t length;
    /**
     * File descriptors, which stay the caller's: the worker gets copies. May be NULL if there are none.
     */
    const int32_t *fds;
    /**
     * How many; at most 253.
     */
    size_t fd_count;
} rf_body;

/**
 * Counts of a connection, as of one moment. Later versions may add to the end.
 *
 * What the worker counts is its own word: good for display, never for a decision.
 */
typedef struct rf_counters {
    /**
     * sizeof(rf_counters), set by the caller; afterwards how much of it was filled.
     */
    size_t size;
    /**
     * Calls that were sent.
     */
    uint64_t calls;
    /**
     * Bytes of them.
     */
    uint64_t call_bytes;
    /**
     * Calls for which the worker had to be woken.
     */
    uint64_t worker_wake_ups;
    /**
     * Times that this side slept for want of room.
     */
    uint64_t calls_full;
    /**
     * Times that the worker slept. The worker's word.
     */
    uint64_t worker_sleeps;
    /**
     * What the worker's last wake-up cost, in nanoseconds. The worker's word.
     */
    uint64_t worker_last_wake_up_ns;
    /**
     * Replies and events that were taken.
     */
    uint64_t messages;
    /**
     * Replies and events that were sent. The worker's word.
     */
    uint64_t messages_sent;
    /**
     * Bytes of what was sent. The worker's word.
     */
    uint64_t message_bytes;
    /**
     * Times that this side slept.
     */
    uint64_t host_sleeps;
    /**
     * What the last wake-up of this side cost, in nanoseconds.
     */
    uint64_t host_last_wake_up_ns;
    /**
     * Events that were dropped, as rf_options_queue() says.
     */
    uint64_t dropped_events;
} rf_counters;

/**
 * Takes a line of the log: its level, the part of the library that it comes from, and the text, both UTF-8 and valid until
 * it returns. It is called by any thread, several at once, and must neither throw nor jump out. A connection that the line
 * is about says RF_ERROR_BUSY to it.
 */
typedef void (*rf_log_callback)(void *context,
                                uint32_t level,
                                const char *target,
                                const char *message);

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * RF_ABI_VERSION of the library that is loaded. A program that finds another one than it was compiled with should stop.
 */
uint32_t rf_abi_version(void);

/**
 * Version of the library as text, such as "0.1.0". Valid for ever.
 */
const char *rf_version(void);

/**
 * The number of an error; RF_OK for NULL.
 */
enum rf_status rf_error_status(const struct rf_error *error);

/**
 * What happened, where, and how to mend it: UTF-8, one line, but for the last words of a worker that died, which follow
 * on lines of their own. Belongs to the error; never NULL.
 */
const char *rf_error_message(const struct rf_error *error);

/**
 * How the worker ended, if the error is RF_ERROR_DIED. `number`, if it is not NULL, gets the exit status or the signal, or
 * zero.
 */
enum rf_exit rf_error_exit(const struct rf_error *error,
                           int32_t *number);

/**
 * Frees an error.
 */
void rf_error_free(struct rf_error *error);

/**
 * A worker that serves the component of this name. The program is that of rf_worker_program(); else the one that the
 * environment variable RINGFENCE_WORKER names; else `ringfence-worker` beside this executable.
 *
 * What is wrong with a worker is told by rf_connect(), as with options.
 */
struct rf_worker *rf_worker_component(const char *name);

/**
 * A worker that loads this module, and serves it: a shared object made with `include/ringfence.h` or Rust's `export_module!`.
 * The file is copied at once, so that what becomes of it afterwards does not matter. The program is found as by
 * rf_worker_component(); `ringfence-worker` can load every module. If the module says until when it loads files, that holds.
 */
struct rf_worker *rf_worker_module(const char *file);

/**
 * Frees a worker. Connections that were made with it do not need it any more.
 */
void rf_worker_free(struct rf_worker *worker);

/**
 * Starts this program instead of looking for one.
 */
void rf_worker_program(struct rf_worker *worker, const char *file);

/**
 * Gives the program another argument.
 */
void rf_worker_arg(struct rf_worker *worker, const char *argument);

/**
 * Lets this worker read this file, or what is in this folder and below it.
 */
void rf_worker_reads(struct rf_worker *worker, const char *file);

/**
 * Says that the worker may open files until the first call of the method of this mojom name has returned. If nothing is
 * said, it may not from the handshake on.
 */
void rf_worker_loads_until(struct rf_worker *worker,
                           const char *method);

/**
 * The defaults: rings for 256 KiB each way, calls of at most 5 s, adaptive waiting, the strict sandbox.
 *
 * The functions that set one of them return nothing. If one is given what it cannot take, rf_connect() says so with
 * RF_ERROR_ARGUMENT.
 */
struct rf_options *rf_options_new(void);

/**
 * Frees options. Connections that were made with them do not need them any more.
 */
void rf_options_free(struct rf_options *options);

/**
 * Bytes that the ring to the worker and the ring from it shall hold, rounded up. No message can be longer.
 */
void rf_options_ring_bytes(struct rf_options *options,
                           size_t to_worker,
                           size_t to_host);

/**
 * How long a call may take, waiting for room included, unless the call or its method has a time of its own.
 */
void rf_options_call_deadline(struct rf_options *options,
                              uint64_t nanoseconds);

/**
 * How long calls of the method of this mojom name may take.
 */
void rf_options_method_deadline(struct rf_options *options,
                                const char *method,
                                uint64_t nanoseconds);

/**
 * How long a worker may go on without a sign of life after a call has passed its deadline: 1 s by default. Then it is
 * killed, which is RF_EXIT_WEDGED.
 */
void rf_options_grace(struct rf_options *options,
                      uint64_t nanoseconds);

/**
 * How long a worker may take from its start until it has answered the handshake: 10 s by default.
 */
void rf_options_handshake_deadline(struct rf_options *options, uint64_t nanoseconds);

/**
 * How long a worker may take to end in rf_close() before it is killed: 500 ms by default.
 */
void rf_options_exit_deadline(struct rf_options *options, uint64_t nanoseconds);

/**
 * What the connection is called to whoever watches it with `ringfence top`, such as "camera 0".
 */
void rf_options_label(struct rf_options *options, const char *label);

/**
 * Lets the nursery's thread start the worker. Without one, the thread that calls rf_connect() starts it, and the kernel kills
 * the worker when that thread ends.
 */
void rf_options_nursery(struct rf_options *options,
                        const struct rf_nursery *nursery);

/**
 * How this side waits for replies: RF_WAIT_*.
 */
void rf_options_host_wait(struct rf_options *options, uint32_t wait);

/**
 * How the worker waits for calls: RF_WAIT_*.
 */
void rf_options_worker_wait(struct rf_options *options, uint32_t wait);

/**
 * What a call does when the ring to the worker is full: RF_FULL_*.
 */
void rf_options_on_full(struct rf_options *options, uint32_t on_full);

/**
 * Bytes of events that are kept while nobody takes them, 16 MiB by default, and what happens to more: RF_FLOOD_*. An
 * event counts for 256 bytes more than it has, and a descriptor for 64 KiB.
 */
void rf_options_queue(struct rf_options *options,
                      size_t bytes,
                      uint32_t on_flood);

/**
 * How much of a sandbox the worker gets: RF_SANDBOX_*.
 */
void rf_options_sandbox(struct rf_options *options, uint32_t sandbox);

/**
 * Layers without which the worker is not started, RF_LAYER_* added up, instead of those that the sandbox requires by itself.
 */
void rf_options_required_layers(struct rf_options *options,
                                uint32_t layers);

/**
 * Lets the worker read this file, or what is in this folder and below it.
 */
void rf_options_read_path(struct rf_options *options, const char *file);

/**
 * Lets the worker make the system call of this name, such as "sched_setaffinity", with any arguments and at any time.
 */
void rf_options_allow_call(struct rf_options *options,
                           const char *name);

/**
 * Bytes of address space that the worker may have: 4 GiB by default.
 */
void rf_options_address_space(struct rf_options *options, uint64_t bytes);

/**
 * An empty message. It can be given to any number of calls, one after the other, and allocates no more once it has held
 * the largest.
 */
struct rf_message *rf_message_new(void);

/**
 * Frees a message, and closes the descriptors that were not taken out of it.
 */
void rf_message_free(struct rf_message *message);

/**
 * Number of the method that was called, or of the event. 0 if the message is empty, as after a failure.
 */
uint32_t rf_message_number(const struct rf_message *message);

/**
 * The bytes, and in `length`, if that is not NULL, how many. They belong to the message, and are valid until it is given
 * to another call or freed. Never NULL.
 */
const uint8_t *rf_message_bytes(const struct rf_message *message,
                                size_t *length);

/**
 * How many descriptors came with the message, those included that were taken out.
 */
size_t rf_message_fd_count(const struct rf_message *message);

/**
 * The descriptor at `index`, from 0, to be looked at: it stays the message's. -1 if there is none, or if it was taken out.
 */
int32_t rf_message_fd(const struct rf_message *message,
                      size_t index);

/**
 * Takes the descriptor at `index` out: it is the caller's, who closes it. The others keep their places. -1 if there is
 * none, or if it was taken before.
 */
int32_t rf_message_take_fd(struct rf_message *message,
                           size_t index);

/**
 * Starts a worker and connects to it. `options` may be NULL: the defaults. `connection` gets the connection, or NULL after
 * a failure.
 *
 * The worker ends with the connection, and with this process, however it ends. What it writes to its standard error
 * goes to the log (rf_log_to()), and the last of it into RF_ERROR_DIED.
 */
enum rf_status rf_connect(const struct rf_interface *interface,
                          const struct rf_worker *worker,
                          const struct rf_options *options,
                          struct rf_connection **connection,
                          struct rf_error **error);

/**
 * Asks the worker to end, waits as long as rf_options_exit_deadline() says, kills it if need be, and frees the connection.
 * Messages and errors that came from it stay.
 */
void rf_close(struct rf_connection *connection);

/**
 * Calls a method and waits for its reply.
 *
 * `method` counts from 1, as in the interface, and must not be one way. `request` may be NULL: nothing. `deadline` is how
 * long this call may take, waiting for room included; 0: as long as the options say. `reply` gets the reply, and is empty
 * after a failure; if it is NULL, the reply is thrown away. The request may lie in the message that gets the reply.
 *
 * No event is delivered meanwhile: those that come are kept for rf_next_event().
 */
enum rf_status rf_call(struct rf_connection *connection,
                       uint32_t method,
                       const struct rf_body *request,
                       uint64_t deadline,
                       struct rf_message *reply,
                       struct rf_error **error);

/**
 * Calls a one-way method: sends it, and does not wait until it is carried out. It waits for room in the ring at most, as
 * long as `deadline` says; 0: as long as the options say.
 *
 * That it was sent does not mean that the component could do it. If it refuses, rf_next_event() says so with
 * RF_ERROR_REFUSED.
 */
enum rf_status rf_cast(struct rf_connection *connection,
                       uint32_t method,
                       const struct rf_body *request,
                       uint64_t deadline,
                       struct rf_error **error);

/**
 * Takes the next event, if one is there: RF_OK, or RF_NOTHING. It does not wait. `message` gets the event, and is empty
 * otherwise.
 *
 * RF_ERROR_REFUSED is about an earlier rf_cast(), in its place among the events. RF_ERROR_DIED comes when all events that
 * the worker had sent were taken.
 */
enum rf_status rf_next_event(struct rf_connection *connection,
                             struct rf_message *message,
                             struct rf_error **error);

/**
 * Waits until rf_next_event() has something to say, at most `timeout`; 0 only looks. RF_OK if it has, RF_NOTHING if the
 * time is over.
 */
enum rf_status rf_wait(struct rf_connection *connection,
                       uint64_t timeout,
                       struct rf_error **error);

/**
 * A descriptor that is readable (POLLIN) when rf_next_event() has something to say, the end of the worker included: for
 * poll(), epoll or an event loop. When it is, call rf_next_event() until it says RF_NOTHING, which may be at once: now and
 * then it is readable for nothing, as after a call that had to wait. It belongs to the connection; do nothing but wait on
 * it. -1 for NULL, or if the connection is in use by another thread.
 *
 * A program that never asks for it saves a little with every event.
 */
int32_t rf_fd(struct rf_connection *connection);

/**
 * 1 as long as nothing is known that would make a call impossible; else 0. It looks at nothing but what was found before:
 * the end of a worker is found by what is called next, and makes rf_fd() readable. 1 too while another thread uses it.
 */
int32_t rf_is_connected(struct rf_connection *connection);

/**
 * Process id of the worker. Once it has died, the number may be another process's. 0 for NULL, or if the connection is in
 * use by another thread.
 */
int32_t rf_worker_pid(struct rf_connection *connection);

/**
 * The layers of the worker's sandbox that are in force, RF_LAYER_* added up. 0 for NULL, or if the connection is in use by
 * another thread.
 */
uint32_t rf_layers(struct rf_connection *connection);

/**
 * Reads what went over a connection. `counters->size` must be set.
 */
enum rf_status rf_read_counters(struct rf_connection *connection,
                                struct rf_counters *counters,
                                struct rf_error **error);

/**
 * Sends the log to `callback` from now on, with `context`, up to this level (RF_LOG_*). It can be done once in a program, and
 * not if a Rust part of it has set another logger: RF_ERROR_BUSY. Without it the log is thrown away.
 */
enum rf_status rf_log_to(rf_log_callback callback,
                         void *context,
                         uint32_t level,
                         struct rf_error **error);

/**
 * Starts the thread. It ends when the nursery is freed and the last worker that it has started is gone.
 */
enum rf_status rf_nursery_new(struct rf_nursery **nursery,
                              struct rf_error **error);

/**
 * Frees a nursery. Options and connections that were made with it keep what they need of it.
 */
void rf_nursery_free(struct rf_nursery *nursery);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* RINGFENCE_HOST_H */
