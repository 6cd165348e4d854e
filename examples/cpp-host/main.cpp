/*
 * A camera stack's pipe to an image-processing module, over ringfence: messages with a command, bytes and descriptors, sent
 * and answered, or sent alone, and a callback for what the module has to say.
 *
 *     c++ -std=c++17 main.cpp $(pkg-config --cflags --libs ringfence) -o cpp-host
 *     ./cpp-host WORKER        with WORKER = target/debug/ringfence-capi-echo
 */
#include "ringfence.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <iostream>
#include <poll.h>
#include <sys/types.h>

/* The interface, as `mojomc dump` tells it of a mojom file. */
namespace echo {
enum Method : uint32_t { Echo = 1, Tell, Sleep, End, Refuse, RefuseQuietly };
constexpr rf_method methods[] = {
    {"echo", 0, 0}, {"tell", 1, 0}, {"sleep", 0, 0}, {"end", 0, 0}, {"refuse", 0, 0}, {"refuseQuietly", 1, 0},
};
constexpr const char *events[] = {"told"};
constexpr rf_interface interface = {
    sizeof(rf_interface), "test.Opaque", 0x0123456789abcdef, methods, std::size(methods), events, std::size(events),
};
} // namespace echo

/** What goes through the pipe, either way. */
struct IpcMessage {
    uint32_t command = 0;
    std::vector<uint8_t> data;
    std::vector<ringfence::Fd> fds;
};

class IpcPipe {
public:
    explicit IpcPipe(const std::string &program) : connection_(echo::interface, worker(program), options()) {}

    bool isConnected() const { return connection_.isConnected(); }

    /** Sends a message and waits for the answer. Zero, or a negative errno. */
    int sendSync(const IpcMessage &in, IpcMessage *out = nullptr) {
        return attempt([&] {
            const std::vector<int> fds = borrow(in.fds);
            connection_.call(in.command, ringfence::body(in.data, fds), message_);
            if (out)
                *out = unpack(message_);
        });
    }

    /** Sends a message that has no answer. */
    int sendAsync(const IpcMessage &in) {
        return attempt([&] {
            const std::vector<int> fds = borrow(in.fds);
            connection_.cast(in.command, ringfence::body(in.data, fds));
        });
    }

    /** Called by dispatch() with each message of the module. It may throw. */
    std::function<void(IpcMessage)> recv;

    /** For an event loop: call dispatch() when it is readable. */
    int fd() const { return connection_.fd(); }

    /** Delivers what has come. An exception of `recv` goes on to the caller; what it has not seen yet stays for next time. */
    int dispatch() {
        ringfence::Message event;
        for (;;) {
            bool some = false;
            if (const int error = attempt([&] { some = connection_.nextEvent(event); }); error || !some)
                return error;
            if (recv)
                recv(unpack(event));
        }
    }

    int workerPid() const { return connection_.workerPid(); }

private:
    static ringfence::Worker worker(const std::string &program) {
        ringfence::Worker worker = ringfence::component("echo");
        rf_worker_program(worker.get(), program.c_str());
        return worker;
    }

    static ringfence::Options options() {
        ringfence::Options options = ringfence::options();
        rf_options_call_deadline(options.get(), UINT64_C(2000000000));
        return options;
    }

    static std::vector<int> borrow(const std::vector<ringfence::Fd> &fds) {
        std::vector<int> numbers;
        for (const ringfence::Fd &fd : fds)
            numbers.push_back(fd.get());
        return numbers;
    }

    static IpcMessage unpack(ringfence::Message &message) {
        IpcMessage unpacked{message.number(), {message.data(), message.data() + message.size()}, {}};
        for (std::size_t index = 0; index < message.fds(); index++)
            unpacked.fds.push_back(message.takeFd(index));
        return unpacked;
    }

    /* A pipeline handler wants numbers; the story goes to the log. */
    template <typename F> int attempt(F &&work) {
        try {
            work();
            return 0;
        } catch (const ringfence::Error &error) {
            std::cerr << "IpcPipe: " << error.what() << '\n';
            switch (error.status) {
            case RF_ERROR_DIED:
            case RF_ERROR_PROTOCOL:
                return -ENOTCONN;
            case RF_ERROR_DEADLINE:
                return -ETIMEDOUT;
            case RF_ERROR_REFUSED:
                return -EREMOTEIO;
            default:
                return -EINVAL;
            }
        }
    }

    ringfence::Connection connection_;
    ringfence::Message message_; /* Its memory serves every reply. */
};

namespace {

void expect(bool condition, const char *what) {
    if (!condition) {
        std::cerr << "not so: " << what << '\n';
        std::exit(1);
    }
}

std::ptrdiff_t openDescriptors() {
    const std::filesystem::directory_iterator folder("/proc/self/fd");
    return std::distance(begin(folder), end(folder));
}

ringfence::Fd duplicate(int fd) { return ringfence::Fd(::dup(fd)); }

void session(const std::string &program) {
    IpcPipe pipe(program);
    expect(pipe.isConnected(), "connected");

    IpcMessage request{echo::Echo, {1, 2, 3}, {}}, answer;
    request.fds.push_back(duplicate(STDIN_FILENO));
    expect(pipe.sendSync(request, &answer) == 0, "answered");
    expect(answer.data == std::vector<uint8_t>{3, 2, 1} && answer.fds.size() == 1, "the same, reversed");
    std::cout << "sendSync: " << answer.data.size() << " bytes, " << answer.fds.size() << " descriptor\n";

    /* A callback that throws half way leaves nothing behind, and loses only the message that it was given. */
    std::size_t heard = 0;
    pipe.recv = [&](IpcMessage message) {
        expect(message.command == 1 && message.fds.size() == 1, "an event with its descriptor");
        if (++heard == 2)
            throw std::runtime_error("a callback throws");
    };
    for (uint8_t number = 0; number < 5; number++) {
        IpcMessage note{echo::Tell, {number}, {}};
        note.fds.push_back(duplicate(STDIN_FILENO));
        expect(pipe.sendAsync(note) == 0, "sent");
    }
    std::size_t thrown = 0;
    while (heard < 5) {
        pollfd polled{pipe.fd(), POLLIN, 0};
        expect(::poll(&polled, 1, 60000) == 1, "something comes");
        try {
            expect(pipe.dispatch() == 0, "delivered");
        } catch (const std::runtime_error &) {
            thrown++;
        }
    }
    expect(thrown == 1, "thrown once");
    std::cout << "recv: " << heard << " messages, " << thrown << " exception\n";

    expect(pipe.sendSync({echo::Sleep, {0}, {}}) == 0, "a short sleep");
    expect(pipe.sendSync({echo::Refuse, {}, {}}) == -EREMOTEIO, "refused");
    expect(pipe.isConnected(), "a refusal is no end");
    ::kill(static_cast<pid_t>(pipe.workerPid()), SIGKILL);
    expect(pipe.sendSync(request) == -ENOTCONN, "dead");
    expect(!pipe.isConnected(), "not connected");
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::cerr << "usage: cpp-host WORKER\n";
        return 2;
    }
    try {
        ringfence::Connection nowhere(echo::interface, ringfence::component(""));
        expect(false, "there is no such component");
    } catch (const ringfence::Error &error) {
        std::cout << "status " << error.status << '\n';
    }
    session(argv[1]);
    const std::ptrdiff_t before = openDescriptors();
    session(argv[1]);
    expect(openDescriptors() == before, "no descriptor is left");
    std::cout << "done\n";
    return 0;
}
