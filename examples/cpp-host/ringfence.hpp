/*
 * ringfence for C++17: what ringfence_host.h has, with owners that clean up and errors that are thrown.
 *
 * Everything here can be moved and not copied. An object is used by one thread at a time.
 */
#ifndef RINGFENCE_HPP
#define RINGFENCE_HPP

#include <ringfence_host.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

namespace ringfence {

using Nanoseconds = std::chrono::nanoseconds;

/** Calls free functions of C for unique_ptr. */
template <auto function> struct Free {
    template <typename T> void operator()(T *object) const noexcept { function(object); }
};

/** Why something failed; what() says it in full. */
class Error : public std::runtime_error {
public:
    explicit Error(const rf_error *error)
        : std::runtime_error(rf_error_message(error)), status(rf_error_status(error)), exit(rf_error_exit(error, &number)) {}

    int32_t number = 0; /**< Exit status or signal of a worker that died. */
    rf_status status;
    rf_exit exit;
};

/** Calls `function` with an error's place, and throws what it leaves there. False for RF_NOTHING. */
template <typename F> bool check(F &&function) {
    rf_error *failure = nullptr;
    const rf_status status = function(&failure);
    const std::unique_ptr<rf_error, Free<rf_error_free>> owner(failure);
    if (failure)
        throw Error(failure);
    return status == RF_OK;
}

/** The owner of a file descriptor. */
class Fd {
public:
    explicit Fd(int fd = -1) noexcept : fd_(fd) {}
    Fd(Fd &&other) noexcept : fd_(other.release()) {}
    Fd &operator=(Fd &&other) noexcept {
        std::swap(fd_, other.fd_);
        return *this;
    }
    ~Fd() {
        if (fd_ >= 0)
            ::close(fd_);
    }
    int get() const noexcept { return fd_; }
    int release() noexcept { return std::exchange(fd_, -1); }

private:
    int fd_;
};

/** A reply or an event. Given to the next call, it is filled anew without allocating. */
class Message {
public:
    Message() : message_(rf_message_new()) {}
    uint32_t number() const noexcept { return rf_message_number(message_.get()); }
    const uint8_t *data() const noexcept { return rf_message_bytes(message_.get(), nullptr); }
    std::size_t size() const noexcept {
        std::size_t size = 0;
        rf_message_bytes(message_.get(), &size);
        return size;
    }
    std::size_t fds() const noexcept { return rf_message_fd_count(message_.get()); }
    Fd takeFd(std::size_t index) noexcept { return Fd(rf_message_take_fd(message_.get(), index)); }
    rf_message *get() noexcept { return message_.get(); }

private:
    std::unique_ptr<rf_message, Free<rf_message_free>> message_;
};

/** To be changed with rf_options_*(options.get(), …). */
using Options = std::unique_ptr<rf_options, Free<rf_options_free>>;
/** To be changed with rf_worker_*(worker.get(), …). */
using Worker = std::unique_ptr<rf_worker, Free<rf_worker_free>>;

inline Options options() { return Options(rf_options_new()); }
inline Worker component(const std::string &name) { return Worker(rf_worker_component(name.c_str())); }

/** What shall be sent. It points into what it is made of. */
inline rf_body body(const std::vector<uint8_t> &bytes, const std::vector<int> &fds = {}) noexcept {
    return {bytes.data(), bytes.size(), fds.data(), fds.size()};
}

/** A connection to a component in a worker process, which ends with it. */
class Connection {
public:
    Connection(const rf_interface &interface, const Worker &worker, const Options &options = nullptr) {
        rf_connection *connection = nullptr;
        check([&](rf_error **error) { return rf_connect(&interface, worker.get(), options.get(), &connection, error); });
        connection_.reset(connection);
    }

    /** Calls a method and waits for its reply; zero: as long as the options say. */
    void call(uint32_t method, const rf_body &request, Message &reply, Nanoseconds deadline = {}) {
        check([&](rf_error **error) { return rf_call(get(), method, &request, ticks(deadline), reply.get(), error); });
    }

    /** Calls a one-way method. */
    void cast(uint32_t method, const rf_body &request, Nanoseconds deadline = {}) {
        check([&](rf_error **error) { return rf_cast(get(), method, &request, ticks(deadline), error); });
    }

    /** Takes the next event, if there is one. */
    bool nextEvent(Message &event) {
        return check([&](rf_error **error) { return rf_next_event(get(), event.get(), error); });
    }

    /** Waits until nextEvent() has something to say. */
    bool wait(Nanoseconds timeout) {
        return check([&](rf_error **error) { return rf_wait(get(), ticks(timeout), error); });
    }

    int fd() const noexcept { return rf_fd(get()); }
    bool isConnected() const noexcept { return rf_is_connected(get()) != 0; }
    int workerPid() const noexcept { return rf_worker_pid(get()); }
    uint32_t layers() const noexcept { return rf_layers(get()); }
    rf_connection *get() const noexcept { return connection_.get(); }

private:
    static uint64_t ticks(Nanoseconds time) noexcept {
        return time.count() < 0 ? 0 : static_cast<uint64_t>(time.count());
    }

    std::unique_ptr<rf_connection, Free<rf_close>> connection_;
};

} // namespace ringfence

#endif
