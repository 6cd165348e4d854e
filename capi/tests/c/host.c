/*
 * A host in C, which checks all that it is told. Its arguments: the worker program, and which check (all if none is named).
 * It exits with status 0 if everything was as it should be.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "echo.h"

#define MS UINT64_C(1000000)

#define CHECK(condition)                                                                     \
    do {                                                                                     \
        if (!(condition)) {                                                                  \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);          \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)

/* Checks a status, and prints what an unexpected error says. */
#define EXPECT(status, call)                                                                 \
    do {                                                                                     \
        rf_status expect_status = (call);                                                    \
        if (expect_status != (status)) {                                                     \
            fprintf(stderr, "%s:%d: %s is %d: %s\n", __FILE__, __LINE__, #call,              \
                    (int)expect_status, error ? rf_error_message(error) : "(no message)");   \
            exit(1);                                                                         \
        }                                                                                    \
    } while (0)

/* Checks that an error says this, and frees it. */
#define SAYS(text)                                                                           \
    do {                                                                                     \
        CHECK(error != NULL);                                                                \
        if (strstr(rf_error_message(error), (text)) == NULL) {                               \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, rf_error_message(error));     \
            exit(1);                                                                         \
        }                                                                                    \
        rf_error_free(error);                                                                \
        error = NULL;                                                                        \
    } while (0)

static const char *program;
static char log_text[1 << 16];

static rf_connection *connect_with(rf_options *options) {
    rf_connection *connection = NULL;
    rf_error *error = NULL;
    rf_worker *worker = rf_worker_component("echo");
    rf_worker_program(worker, program);
    EXPECT(RF_OK, rf_connect(&echo_interface, worker, options, &connection, &error));
    CHECK(connection != NULL && error == NULL);
    rf_worker_free(worker);
    return connection;
}

static rf_body body(const void *bytes, size_t length) {
    rf_body body = {0};
    body.bytes = bytes;
    body.length = length;
    return body;
}

static int open_descriptors(void) {
    int count = 0;
    DIR *folder = opendir("/proc/self/fd");
    CHECK(folder != NULL);
    while (readdir(folder) != NULL) {
        count++;
    }
    closedir(folder);
    return count;
}

static int file_with(char content) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(write(ends[1], &content, 1) == 1);
    close(ends[1]);
    return ends[0];
}

static char content_of(int fd) {
    char content = 0;
    CHECK(read(fd, &content, 1) == 1);
    return content;
}

static void check_calls(void) {
    rf_error *error = NULL;
    rf_connection *connection = connect_with(NULL);
    rf_message *reply = rf_message_new();
    size_t length = 1;
    CHECK(rf_worker_pid(connection) > 0);
    CHECK(rf_is_connected(connection) == 1);
    CHECK((rf_layers(connection) & RF_LAYER_SECCOMP) != 0);
    CHECK(rf_message_number(reply) == 0);
    /* Lengths that are no multiples of anything: opaque means to the byte. */
    size_t lengths[] = {0, 1, 7, 8, 9, 47, 48, 49, 1000, 200001};
    unsigned char *bytes = malloc(200001);
    for (size_t index = 0; index < 200001; index++) {
        bytes[index] = (unsigned char)(index * 7);
    }
    for (size_t round = 0; round < sizeof lengths / sizeof *lengths; round++) {
        rf_body request = body(bytes, lengths[round]);
        EXPECT(RF_OK, rf_call(connection, ECHO, &request, 0, reply, &error));
        const unsigned char *back = rf_message_bytes(reply, &length);
        CHECK(rf_message_number(reply) == ECHO && length == lengths[round] && back != NULL);
        for (size_t index = 0; index < length; index++) {
            CHECK(back[index] == bytes[length - 1 - index]);
        }
        /* The reply itself as the next request, into the same message. */
        request = body(back, length);
        EXPECT(RF_OK, rf_call(connection, ECHO, &request, 0, reply, &error));
        back = rf_message_bytes(reply, &length);
        CHECK(length == lengths[round] && memcmp(back, bytes, length) == 0);
    }
    /* Neither request nor reply nor error are needed. */
    EXPECT(RF_OK, rf_call(connection, ECHO, NULL, 0, NULL, NULL));
    rf_body large = body(bytes, 200001);
    EXPECT(RF_OK, rf_call(connection, ECHO, &large, UINT64_MAX, NULL, NULL));
    free(bytes);

    EXPECT(RF_ERROR_REFUSED, rf_call(connection, REFUSE, NULL, 0, reply, &error));
    CHECK(rf_error_status(error) == RF_ERROR_REFUSED && rf_error_exit(error, NULL) == RF_EXIT_NONE);
    SAYS("refuse failed in the module: on purpose");
    CHECK(rf_message_number(reply) == 0);
    CHECK(rf_message_bytes(reply, &length) != NULL && length == 0);
    EXPECT(RF_ERROR_REFUSED, rf_call(connection, REFUSE, NULL, 0, NULL, NULL));

    rf_counters counters = {0};
    counters.size = sizeof counters;
    EXPECT(RF_OK, rf_read_counters(connection, &counters, &error));
    CHECK(counters.size == sizeof counters && counters.calls == 24 && counters.messages == 24);
    CHECK(counters.call_bytes > 600000 && counters.dropped_events == 0);
    rf_message_free(reply);
    rf_close(connection);
}

static void check_descriptors(void) {
    rf_error *error = NULL;
    rf_connection *connection = connect_with(NULL);
    rf_message *message = rf_message_new();
    int before = open_descriptors();
    int fds[2] = {file_with('a'), file_with('b')};
    rf_body request = {"xy", 2, fds, 2};
    EXPECT(RF_OK, rf_call(connection, ECHO, &request, 0, message, &error));
    CHECK(rf_message_fd_count(message) == 2);
    CHECK(content_of(rf_message_fd(message, 0)) == 'b');
    int taken = rf_message_take_fd(message, 1);
    CHECK(taken >= 0 && (fcntl(taken, F_GETFD) & FD_CLOEXEC) != 0);
    CHECK(rf_message_take_fd(message, 1) == -1 && rf_message_fd(message, 1) == -1);
    CHECK(rf_message_fd(message, 2) == -1 && rf_message_take_fd(message, 99) == -1);
    CHECK(rf_message_fd_count(message) == 2);
    CHECK(content_of(taken) == 'a');
    close(taken);

    /* Through an event; nobody looks at them. */
    EXPECT(RF_OK, rf_cast(connection, TELL, &request, 0, &error));
    EXPECT(RF_OK, rf_wait(connection, UINT64_MAX, &error));
    EXPECT(RF_OK, rf_next_event(connection, message, &error));
    CHECK(rf_message_fd_count(message) == 2);

    /* What cannot be sent, and that nothing of it is left behind. */
    int bad[] = {fds[0], 4000};
    request.fds = bad;
    EXPECT(RF_ERROR_DESCRIPTORS, rf_call(connection, ECHO, &request, 0, message, &error));
    SAYS("fds[1] is 4000");
    bad[1] = -1;
    EXPECT(RF_ERROR_ARGUMENT, rf_call(connection, ECHO, &request, 0, message, &error));
    SAYS("fds[1] is -1");
    request.fd_count = 254;
    EXPECT(RF_ERROR_ARGUMENT, rf_call(connection, ECHO, &request, 0, message, &error));
    SAYS("254 descriptors cannot be sent at once; 253 can");
    request.fds = fds;
    request.fd_count = 2;
    EXPECT(RF_OK, rf_call(connection, ECHO, &request, 0, NULL, &error));
    EXPECT(RF_OK, rf_call(connection, ECHO, &request, 0, message, &error));
    close(fds[0]);
    close(fds[1]);
    CHECK(open_descriptors() == before + 2);
    rf_message_free(message);
    CHECK(open_descriptors() == before);
    rf_close(connection);
}

static void check_events(void) {
    rf_error *error = NULL;
    rf_connection *connection = connect_with(NULL);
    rf_message *event = rf_message_new();
    size_t length = 0;
    EXPECT(RF_NOTHING, rf_next_event(connection, event, &error));
    EXPECT(RF_NOTHING, rf_wait(connection, 0, &error));
    EXPECT(RF_NOTHING, rf_wait(connection, 5 * MS, &error));
    struct pollfd polled = {rf_fd(connection), POLLIN, 0};
    CHECK(polled.fd >= 0 && rf_fd(connection) == polled.fd);
    CHECK(poll(&polled, 1, 0) == 0);
    unsigned char sent = 0, seen = 0;
    while (seen < 200) {
        for (int burst = 0; burst < 8 && sent < 200; burst++, sent++) {
            rf_body request = body(&sent, 1);
            EXPECT(RF_OK, rf_cast(connection, TELL, &request, 0, &error));
        }
        /* A call between them delivers none. */
        EXPECT(RF_OK, rf_call(connection, ECHO, NULL, 0, NULL, &error));
        CHECK(poll(&polled, 1, 60000) == 1 && polled.revents == POLLIN);
        while (rf_next_event(connection, event, &error) == RF_OK) {
            const unsigned char *bytes = rf_message_bytes(event, &length);
            CHECK(rf_message_number(event) == TOLD && length == 1 && bytes[0] == seen);
            seen++;
        }
        CHECK(error == NULL && rf_message_number(event) == 0);
    }
    CHECK(poll(&polled, 1, 0) == 0);
    /* A cast that the component refuses. */
    EXPECT(RF_OK, rf_cast(connection, REFUSE_QUIETLY, NULL, 0, &error));
    CHECK(poll(&polled, 1, 60000) == 1);
    EXPECT(RF_ERROR_REFUSED, rf_next_event(connection, event, &error));
    SAYS("refuseQuietly failed in the module: on purpose");
    CHECK(rf_is_connected(connection));
    EXPECT(RF_NOTHING, rf_next_event(connection, event, &error));

    /* Its end is an event, too, after those that it had sent. */
    EXPECT(RF_OK, rf_cast(connection, TELL, NULL, 0, &error));
    EXPECT(RF_OK, rf_call(connection, ECHO, NULL, 0, NULL, &error));
    kill(rf_worker_pid(connection), SIGKILL);
    CHECK(poll(&polled, 1, 60000) == 1);
    EXPECT(RF_OK, rf_next_event(connection, event, &error));
    CHECK(poll(&polled, 1, 60000) == 1);
    rf_status status;
    while ((status = rf_next_event(connection, event, &error)) == RF_NOTHING) {
        CHECK(poll(&polled, 1, 60000) == 1);
    }
    CHECK(status == RF_ERROR_DIED && rf_is_connected(connection) == 0);
    SAYS("SIGKILL");
    EXPECT(RF_ERROR_DIED, rf_wait(connection, UINT64_MAX, &error));
    SAYS("SIGKILL");
    rf_message_free(event);
    rf_close(connection);
}

static void check_deaths(void) {
    rf_error *error = NULL;
    int number = -1;
    rf_message *reply = rf_message_new();
    rf_connection *connection = connect_with(NULL);
    unsigned char how = 0;
    rf_body request = body(&how, 1);
    EXPECT(RF_ERROR_DIED, rf_call(connection, END, &request, 0, reply, &error));
    CHECK(rf_error_exit(error, &number) == RF_EXIT_SIGNAL && number == SIGABRT);
    CHECK(strstr(rf_error_message(error), "the last call was end") != NULL);
    SAYS("these are my last words");
    /* It stays so, whatever is asked. */
    EXPECT(RF_ERROR_DIED, rf_call(connection, ECHO, NULL, 0, reply, &error));
    SAYS("SIGABRT");
    EXPECT(RF_ERROR_DIED, rf_cast(connection, TELL, NULL, 0, NULL));
    EXPECT(RF_ERROR_DIED, rf_next_event(connection, reply, NULL));
    CHECK(rf_is_connected(connection) == 0);
    rf_close(connection);

    connection = connect_with(NULL);
    how = 7;
    EXPECT(RF_ERROR_DIED, rf_call(connection, END, &request, 0, reply, &error));
    CHECK(rf_error_exit(error, &number) == RF_EXIT_STATUS && number == 7);
    SAYS("exited with status 7");
    rf_close(connection);

    /* Killed by somebody else while it is waited for. */
    connection = connect_with(NULL);
    pid_t victim = rf_worker_pid(connection);
    pid_t killer = fork();
    if (killer == 0) {
        struct timespec moment = {0, 30000000};
        nanosleep(&moment, NULL);
        kill(victim, SIGKILL);
        _exit(0);
    }
    how = 255;
    EXPECT(RF_ERROR_DIED, rf_call(connection, SLEEP, &request, 0, reply, &error));
    CHECK(rf_error_exit(error, &number) == RF_EXIT_SIGNAL && number == SIGKILL);
    SAYS("the last call was sleep");
    CHECK(waitpid(killer, NULL, 0) == killer);
    rf_close(connection);
    rf_message_free(reply);
}

static void check_deadlines(void) {
    rf_error *error = NULL;
    unsigned char centiseconds = 10;
    rf_body request = body(&centiseconds, 1);
    rf_connection *connection = connect_with(NULL);
    EXPECT(RF_ERROR_DEADLINE, rf_call(connection, SLEEP, &request, 10 * MS, NULL, &error));
    SAYS("sleep did not return within");
    CHECK(rf_is_connected(connection) == 1);
    /* This one waits for the one before, whose reply is thrown away. */
    EXPECT(RF_OK, rf_call(connection, ECHO, &request, UINT64_MAX, NULL, &error));
    rf_close(connection);

    rf_options *options = rf_options_new();
    rf_options_method_deadline(options, "sleep", 10 * MS);
    rf_options_grace(options, 20 * MS);
    connection = connect_with(options);
    rf_options_free(options);
    centiseconds = 255;
    EXPECT(RF_ERROR_DEADLINE, rf_call(connection, SLEEP, &request, 0, NULL, &error));
    rf_error_free(error);
    EXPECT(RF_ERROR_DIED, rf_call(connection, ECHO, NULL, 0, NULL, &error));
    CHECK(rf_error_exit(error, NULL) == RF_EXIT_WEDGED);
    SAYS("had not answered a call");
    rf_close(connection);
}

/* Whatever is wrong with what is given to rf_connect(). */
static void refused(const rf_interface *interface, rf_worker *worker, const rf_options *options, rf_status status,
                    const char *text) {
    rf_connection *connection = (rf_connection *)&log_text;
    rf_error *error = NULL;
    EXPECT(status, rf_connect(interface, worker, options, &connection, &error));
    CHECK(connection == NULL && rf_error_status(error) == status);
    SAYS(text);
    EXPECT(status, rf_connect(interface, worker, options, &connection, NULL));
}

static void check_arguments(void) {
    rf_error *error = NULL;
    rf_connection *connection = NULL;
    CHECK(rf_abi_version() == RF_ABI_VERSION && strchr(rf_version(), '.') != NULL);

    rf_worker *worker = rf_worker_component("echo");
    rf_worker_program(worker, program);
    refused(NULL, worker, NULL, RF_ERROR_ARGUMENT, "interface is NULL");
    refused(&echo_interface, NULL, NULL, RF_ERROR_ARGUMENT, "worker is NULL");
    EXPECT(RF_ERROR_ARGUMENT, rf_connect(&echo_interface, worker, NULL, NULL, &error));
    SAYS("connection is NULL");
    rf_interface interface = echo_interface;
    interface.size = 8;
    refused(&interface, worker, NULL, RF_ERROR_ARGUMENT, "its size is 8");
    interface = echo_interface;
    interface.name = NULL;
    refused(&interface, worker, NULL, RF_ERROR_ARGUMENT, "its name is NULL");
    interface.name = "\xff";
    refused(&interface, worker, NULL, RF_ERROR_ARGUMENT, "its name is not UTF-8");
    interface.name = "";
    refused(&interface, worker, NULL, RF_ERROR_ARGUMENT, "cannot be a name");
    interface = echo_interface;
    interface.methods = NULL;
    refused(&interface, worker, NULL, RF_ERROR_ARGUMENT, "its methods is NULL");
    interface = echo_interface;
    interface.event_count = SIZE_MAX;
    refused(&interface, worker, NULL, RF_ERROR_ARGUMENT, "cannot be");
    interface = echo_interface;
    interface.hash++;
    refused(&interface, worker, NULL, RF_ERROR_HANDSHAKE, "test.Opaque");

    rf_options *options = rf_options_new();
    rf_options_sandbox(options, 3);
    rf_options_host_wait(options, 77);
    refused(&echo_interface, worker, options, RF_ERROR_ARGUMENT, "rf_options_sandbox: sandbox cannot be 3; 0 to 2 can");
    rf_options_free(options);
    options = rf_options_new();
    rf_options_required_layers(options, 1u << 31);
    refused(&echo_interface, worker, options, RF_ERROR_ARGUMENT, "0x80000000 has bits of no layer");
    rf_options_free(options);
    options = rf_options_new();
    rf_options_allow_call(options, "make_coffee");
    refused(&echo_interface, worker, options, RF_ERROR_ARGUMENT, "make_coffee");
    rf_options_free(options);
    options = rf_options_new();
    rf_options_method_deadline(options, NULL, 1);
    refused(&echo_interface, worker, options, RF_ERROR_ARGUMENT, "rf_options_method_deadline: method is NULL");
    rf_options_free(options);

    rf_worker_program(worker, "/nowhere/to/be/found");
    refused(&echo_interface, worker, NULL, RF_ERROR_WORKER, "/nowhere/to/be/found");
    rf_worker_arg(worker, NULL);
    refused(&echo_interface, worker, NULL, RF_ERROR_ARGUMENT, "rf_worker_arg: argument is NULL");
    rf_worker_free(worker);
    worker = rf_worker_component(NULL);
    refused(&echo_interface, worker, NULL, RF_ERROR_ARGUMENT, "rf_worker_component: name is NULL");
    rf_worker_free(worker);
    worker = rf_worker_component("tea");
    rf_worker_program(worker, program);
    refused(&echo_interface, worker, NULL, RF_ERROR_DIED, "no component \"tea\"");
    rf_worker_free(worker);

    /* NULL for whatever can be freed, set or looked at. */
    rf_worker_free(NULL);
    rf_options_free(NULL);
    rf_message_free(NULL);
    rf_error_free(NULL);
    rf_close(NULL);
    rf_options_ring_bytes(NULL, 1, 1);
    rf_worker_program(NULL, program);
    CHECK(rf_error_status(NULL) == RF_OK && rf_error_message(NULL) != NULL);
    CHECK(rf_error_exit(NULL, NULL) == RF_EXIT_NONE);
    CHECK(rf_fd(NULL) == -1 && rf_worker_pid(NULL) == 0 && rf_layers(NULL) == 0 && rf_is_connected(NULL) == 0);
    CHECK(rf_message_number(NULL) == 0 && rf_message_fd_count(NULL) == 0 && rf_message_fd(NULL, 0) == -1);
    CHECK(rf_message_take_fd(NULL, 0) == -1 && rf_message_bytes(NULL, NULL) != NULL);
    EXPECT(RF_ERROR_ARGUMENT, rf_call(NULL, ECHO, NULL, 0, NULL, &error));
    SAYS("connection is NULL");
    EXPECT(RF_ERROR_ARGUMENT, rf_wait(NULL, 0, NULL));
    EXPECT(RF_ERROR_ARGUMENT, rf_log_to(NULL, NULL, RF_LOG_INFO, NULL));

    /* Extremes are rounded, not refused. */
    options = rf_options_new();
    rf_options_ring_bytes(options, 0, 0);
    rf_options_call_deadline(options, UINT64_MAX);
    rf_options_grace(options, UINT64_MAX);
    rf_options_handshake_deadline(options, UINT64_MAX);
    rf_options_sandbox(options, RF_SANDBOX_BEST_EFFORT);
    rf_options_on_full(options, RF_FULL_FAIL);
    rf_options_queue(options, 1 << 20, RF_FLOOD_DROP_OLDEST);
    rf_options_worker_wait(options, RF_WAIT_BLOCK);
    connection = connect_with(options);
    rf_options_free(options);
    EXPECT(RF_OK, rf_call(connection, ECHO, NULL, 0, NULL, &error));
    EXPECT(RF_ERROR_ARGUMENT, rf_call(connection, 0, NULL, 0, NULL, &error));
    SAYS("method 0: test.Opaque has 1 to 6");
    EXPECT(RF_ERROR_ARGUMENT, rf_call(connection, 65537, NULL, 0, NULL, &error));
    SAYS("method 65537");
    EXPECT(RF_ERROR_ARGUMENT, rf_call(connection, TELL, NULL, 0, NULL, &error));
    SAYS("tell has no reply: use rf_cast()");
    EXPECT(RF_ERROR_ARGUMENT, rf_cast(connection, ECHO, NULL, 0, &error));
    SAYS("echo has a reply: use rf_call()");
    rf_body request = body(NULL, 5);
    EXPECT(RF_ERROR_ARGUMENT, rf_call(connection, ECHO, &request, 0, NULL, &error));
    SAYS("its bytes is NULL, but there are said to be 5");
    request = body("", SIZE_MAX);
    EXPECT(RF_ERROR_ARGUMENT, rf_call(connection, ECHO, &request, 0, NULL, &error));
    SAYS("cannot be");
    static char megabyte[1 << 20];
    request = body(megabyte, sizeof megabyte);
    EXPECT(RF_ERROR_TOO_LARGE, rf_call(connection, ECHO, &request, 0, NULL, &error));
    SAYS("a larger ring is needed");
    request = body("", 0);
    request.fd_count = 3;
    EXPECT(RF_ERROR_ARGUMENT, rf_cast(connection, TELL, &request, 0, &error));
    SAYS("its fds is NULL");
    EXPECT(RF_ERROR_ARGUMENT, rf_next_event(connection, NULL, &error));
    SAYS("message is NULL");
    rf_counters counters = {0};
    EXPECT(RF_ERROR_ARGUMENT, rf_read_counters(connection, &counters, &error));
    SAYS("size is 0");
    EXPECT(RF_ERROR_ARGUMENT, rf_read_counters(connection, NULL, NULL));
    EXPECT(RF_OK, rf_call(connection, ECHO, NULL, 0, NULL, &error));
    rf_close(connection);
}

static void *sleep_in_a_call(void *connection) {
    unsigned char centiseconds = 100;
    rf_body request = body(&centiseconds, 1);
    rf_status status;
    while ((status = rf_call(connection, SLEEP, &request, 0, NULL, NULL)) == RF_ERROR_BUSY) {
    }
    CHECK(status == RF_OK);
    return NULL;
}

static void check_threads(void) {
    rf_error *error = NULL;
    rf_connection *connection = connect_with(NULL);
    pthread_t thread;
    CHECK(pthread_create(&thread, NULL, sleep_in_a_call, connection) == 0);
    while (rf_call(connection, ECHO, NULL, 0, NULL, NULL) == RF_OK) {
    }
    EXPECT(RF_ERROR_BUSY, rf_call(connection, ECHO, NULL, 0, NULL, &error));
    SAYS("another thread is using the connection");
    CHECK(rf_fd(connection) == -1 && rf_worker_pid(connection) == 0 && rf_is_connected(connection) == 1);
    CHECK(pthread_join(thread, NULL) == 0);
    /* This thread has it now. */
    EXPECT(RF_OK, rf_call(connection, ECHO, NULL, 0, NULL, &error));
    rf_close(connection);
}

static void take_line(void *context, uint32_t level, const char *target, const char *message) {
    CHECK(context == log_text && level <= RF_LOG_INFO && strncmp(target, "ringfence", 9) == 0);
    size_t used = strlen(log_text);
    snprintf(log_text + used, sizeof log_text - used, "%s\n", message);
}

static void check_log(void) {
    rf_error *error = NULL;
    EXPECT(RF_ERROR_ARGUMENT, rf_log_to(take_line, log_text, 5, &error));
    SAYS("level cannot be 5; 0 to 4 can");
    EXPECT(RF_OK, rf_log_to(take_line, log_text, RF_LOG_INFO, &error));
    EXPECT(RF_ERROR_BUSY, rf_log_to(take_line, log_text, RF_LOG_INFO, &error));
    SAYS("somewhere else");
    rf_close(connect_with(NULL));
    CHECK(strstr(log_text, "starting a worker component=\"echo\"") != NULL);
}

static void check_leaks(void) {
    rf_close(connect_with(NULL));
    int before = open_descriptors();
    const char *text = getenv("HOST_ROUNDS");
    int rounds = text ? atoi(text) : 1000;
    rf_options *options = rf_options_new();
    rf_options_ring_bytes(options, 4096, 4096);
    for (int round = 0; round < rounds; round++) {
        rf_error *error = NULL;
        rf_connection *connection = connect_with(options);
        int fds[1] = {STDERR_FILENO};
        rf_body request = {"leak", 4, fds, 1};
        rf_message *message = rf_message_new();
        EXPECT(RF_OK, rf_cast(connection, TELL, &request, 0, &error));
        EXPECT(RF_OK, rf_call(connection, ECHO, &request, 0, message, &error));
        /* The event with its descriptor is left lying. */
        rf_close(connection);
        rf_message_free(message);
    }
    rf_options_free(options);
    /* What reads a worker's standard error ends a moment after the worker. If it never did, the watchdog would. */
    while (open_descriptors() > before) {
        struct timespec moment = {0, 1000000};
        nanosleep(&moment, NULL);
    }
    /* Nor is there any process. */
    CHECK(waitpid(-1, NULL, WNOHANG) == -1);
}

int main(int argc, char **argv) {
    static const struct {
        const char *name;
        void (*check)(void);
    } checks[] = {
        {"calls", check_calls},         {"descriptors", check_descriptors}, {"events", check_events},
        {"deaths", check_deaths},       {"deadlines", check_deadlines},     {"arguments", check_arguments},
        {"threads", check_threads},     {"log", check_log},                 {"leaks", check_leaks},
    };
    CHECK(argc >= 2);
    program = argv[1];
    int done = 0;
    for (size_t index = 0; index < sizeof checks / sizeof *checks; index++) {
        if (argc == 2 || strcmp(argv[2], checks[index].name) == 0) {
            fprintf(stderr, "%s\n", checks[index].name);
            checks[index].check();
            done++;
        }
    }
    CHECK(done > 0);
    return 0;
}
