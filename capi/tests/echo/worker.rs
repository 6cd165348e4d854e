//! A component that knows nothing of what it is sent: what the tests of the C API talk to.

use std::process::ExitCode;
use std::time::Duration;

use ringfence::ipc::{
    CallError, Component, Dispatch, Emitter, Endpoint, Interface, Method, Reply, ServeError, run_if_worker,
};
use ringfence::serialize::SharedFd;
use ringfence::serialize::native::{Decoder, Opaque, OpaqueBuf};

/// As `tests/c/echo.h` tells it.
static INTERFACE: Interface = Interface {
    name: "test.Opaque",
    hash: 0x0123_4567_89ab_cdef,
    methods: &[
        Method { name: "echo", asynchronous: false },
        Method { name: "tell", asynchronous: true },
        Method { name: "sleep", asynchronous: false },
        Method { name: "end", asynchronous: false },
        Method { name: "refuse", asynchronous: false },
        Method { name: "refuseQuietly", asynchronous: true },
    ],
    events: &["told"],
};

struct Echo(Emitter);

impl Dispatch for Echo {
    fn dispatch(&mut self, method: u16, mut input: Decoder<'_>, reply: Reply<'_>) -> Result<(), CallError> {
        let OpaqueBuf { bytes, fds } = OpaqueBuf::from(&mut input);
        let number = || bytes.first().copied().unwrap_or_default();
        match method {
            // Everything comes back in the other order.
            1 => {
                let bytes: Vec<u8> = bytes.into_iter().rev().collect();
                let fds: Vec<SharedFd> = fds.into_iter().rev().map(SharedFd::from).collect();
                reply.send(&Opaque { bytes: &bytes, fds: &fds })
            }
            2 => {
                let fds: Vec<SharedFd> = fds.into_iter().map(SharedFd::from).collect();
                self.0.emit(1, &Opaque { bytes: &bytes, fds: &fds });
                Ok(())
            }
            3 => {
                std::thread::sleep(Duration::from_millis(10 * u64::from(number())));
                reply.send(&Opaque::default())
            }
            4 => match number() {
                0 => {
                    eprintln!("these are my last words");
                    std::process::abort()
                }
                status => std::process::exit(status.into()),
            },
            5 | 6 => Err(CallError::Module("on purpose".to_owned())),
            method => Err(CallError::UnknownMethod { method }),
        }
    }
}

fn serve(endpoint: Endpoint) -> Result<(), ServeError> {
    endpoint.serve(&INTERFACE, Echo)
}

fn main() -> ExitCode {
    run_if_worker(&[Component { name: "echo", serve }]).unwrap_or_else(|| {
        eprintln!("this is a worker: the tests of the C API start it");
        ExitCode::from(2)
    })
}
