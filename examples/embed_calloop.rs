//! As `embed.rs`, in a program whose main loop is calloop's.
//!
//! `cargo run --example embed_calloop`. calloop keeps what it watches, and lends it out for looking only; so it is given a
//! second descriptor of the same, and the module stays with what belongs to the program.

use std::error::Error;
use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::Instant;

use calloop::generic::Generic;
use calloop::timer::{TimeoutAction, Timer};
use calloop::{EventLoop, Interest, LoopHandle, Mode, PostAction};
use ringfence::interfaces::vimc::{IpaVimc, IpaVimcEvents, IpaVimcProxy, TestFlag, serve};
use ringfence::ipc::{CallError, Component, Options, Supervisor, Worker, run_if_worker};
use ringfence::serialize::Flags;

#[path = "embed/scene.rs"]
mod scene;

/// What this program serves as a worker.
const COMPONENTS: &[Component] =
    &[Component { name: "vimc", serve: |endpoint| serve(endpoint, ringfence::vimc::Vimc::new) }];

/// Hears the module's events.
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

/// What the sources of the loop share.
struct Program {
    module: IpaVimcProxy,
    supervisor: Supervisor<IpaVimcProxy>,
    frames: Frames,
    sources: LoopHandle<'static, Program>,
}

impl Program {
    /// Takes the module's events from now on.
    fn watch(&self) -> Result<(), Box<dyn Error>> {
        // At its level: it is readable until all events were taken.
        let source = Generic::new(self.module.as_fd().try_clone_to_owned()?, Interest::READ, Mode::Level);
        self.sources.insert_source(source, |_, _, program| {
            match program.module.dispatch(&mut program.frames) {
                Ok(_) => Ok(PostAction::Continue),
                Err(error) => {
                    program.replace(error).map_err(|error| io::Error::other(error.to_string()))?;
                    Ok(PostAction::Remove)
                }
            }
        })?;
        Ok(())
    }

    /// Puts another module in the place of one that has failed.
    fn replace(&mut self, error: CallError) -> Result<(), Box<dyn Error>> {
        println!("{error}");
        self.supervisor.failed(error, Instant::now())?;
        self.module = scene::introduced(self.supervisor.wait()?.proxy)?;
        self.watch()
    }
}

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Started as the worker, this program goes no further.
    if let Some(code) = run_if_worker(COMPONENTS) {
        return Ok(code);
    }
    let start = || IpaVimcProxy::isolated(&Options::new(), &Worker::component("vimc"));
    let mut supervisor = Supervisor::new(start);
    let module = scene::introduced(supervisor.start()?)?;
    let mut event_loop = EventLoop::try_new()?;
    let sources = event_loop.handle();
    let mut program = Program { module, supervisor, frames: Frames::default(), sources };
    program.watch()?;
    let tick = |_, _: &mut (), program: &mut Program| {
        program.frames.begun += 1;
        // If the module has died, its descriptor is readable and says so.
        if let Err(error) = program.module.compute_params(program.frames.begun, scene::BUFFER) {
            println!("frame {} was not begun: {error}", program.frames.begun);
        }
        TimeoutAction::ToDuration(scene::INTERVAL)
    };
    program.sources.insert_source(Timer::from_duration(scene::INTERVAL), tick)?;
    while program.frames.done < scene::FRAMES {
        event_loop.dispatch(None, &mut program)?;
    }
    println!("{} frames, {} restarts", program.frames.done, program.supervisor.restarts());
    Ok(ExitCode::SUCCESS)
}
