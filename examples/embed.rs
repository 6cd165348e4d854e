//! A module in a process of its own, embedded in a main loop of `poll`: it is called at each tick of a timer, its events
//! are taken when its descriptor is readable, and if it dies another one takes its place.
//!
//! `cargo run --example embed`; kill the process that it names, and see. docs/embedding.md tells the rest.

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use ringfence::interfaces::vimc::{IpaVimc, IpaVimcEvents, IpaVimcProxy, TestFlag, serve};
use ringfence::ipc::{CallError, Component, Options, Supervisor, Worker, run_if_worker};
use ringfence::serialize::Flags;
use rustix::event::{PollFd, PollFlags, poll};

#[path = "embed/scene.rs"]
mod scene;

/// What this program serves as a worker.
const COMPONENTS: &[Component] =
    &[Component { name: "vimc", serve: |endpoint| serve(endpoint, ringfence::vimc::Vimc::new) }];

/// Hears the module's events, which are delivered by `dispatch` alone.
#[derive(Default)]
struct Frames {
    begun: u32,
    done: u32,
}

impl IpaVimcEvents for Frames {
    fn params_computed(&mut self, buffer_id: u32, _flags: Flags<TestFlag>) {
        self.done += 1;
        println!("frame {}: its parameters are in buffer {buffer_id}", self.done);
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Started as the worker, this program goes no further.
    if let Some(code) = run_if_worker(COMPONENTS) {
        return Ok(code);
    }
    let start = || IpaVimcProxy::isolated(&Options::new(), &Worker::component("vimc"));
    let mut supervisor = Supervisor::new(start);
    let mut module = scene::introduced(supervisor.start()?)?;
    let timer = scene::timer()?;
    let mut frames = Frames::default();
    while frames.done < scene::FRAMES {
        let mut fds = [PollFd::new(&module, PollFlags::IN), PollFd::new(&timer, PollFlags::IN)];
        poll(&mut fds, None)?;
        let [events, tick] = fds.map(|fd| !fd.revents().is_empty());
        if let Err(error) = turn(&mut module, &mut frames, events, tick && scene::ticked(&timer)) {
            println!("{error}");
            drop(module);
            supervisor.failed(error, Instant::now())?;
            module = scene::introduced(supervisor.wait()?.proxy)?;
        }
    }
    println!("{} frames, {} restarts", frames.done, supervisor.restarts());
    Ok(ExitCode::SUCCESS)
}

/// Does what there is to do.
fn turn(module: &mut IpaVimcProxy, frames: &mut Frames, events: bool, tick: bool) -> Result<(), CallError> {
    if events {
        module.dispatch(frames)?;
    }
    if tick {
        frames.begun += 1;
        module.compute_params(frames.begun, scene::BUFFER)?;
    }
    Ok(())
}
