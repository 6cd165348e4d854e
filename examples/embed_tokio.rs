//! As `embed.rs`, as a task of tokio's. It needs the feature `tokio`.
//!
//! `cargo run --features tokio --example embed_tokio`

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use ringfence::interfaces::vimc::{IpaVimc, IpaVimcEvents, IpaVimcProxy, TestFlag, serve};
use ringfence::ipc::tokio::AsyncProxy;
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

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // Started as the worker, this program goes no further; least of all does it start a runtime.
    if let Some(code) = run_if_worker(COMPONENTS) {
        return Ok(code);
    }
    // The loop runs in this thread, which starts the workers: they end with the thread that starts them. In a task that
    // may be anywhere, or in `spawn_blocking`, the options need a nursery.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(host())?;
    Ok(ExitCode::SUCCESS)
}

async fn host() -> Result<(), Box<dyn Error>> {
    let start = || IpaVimcProxy::isolated(&Options::new(), &Worker::component("vimc"));
    let mut supervisor = Supervisor::new(start);
    let mut module = AsyncProxy::new(scene::introduced(supervisor.start()?)?)?;
    let mut timer = tokio::time::interval(scene::INTERVAL);
    let mut frames = Frames::default();
    while frames.done < scene::FRAMES {
        let done: Result<(), CallError> = tokio::select! {
            ready = module.ready() => {
                ready?;
                module.dispatch(&mut frames).map(drop)
            }
            _ = timer.tick() => {
                frames.begun += 1;
                module.compute_params(frames.begun, scene::BUFFER)
            }
        };
        if let Err(error) = done {
            println!("{error}");
            drop(module);
            supervisor.failed(error, Instant::now())?;
            // The second failure in a row is to wait for a while.
            tokio::time::sleep_until(supervisor.due().unwrap_or_else(Instant::now).into()).await;
            module = AsyncProxy::new(scene::introduced(supervisor.wait()?.proxy)?)?;
        }
    }
    println!("{} frames, {} restarts", frames.done, supervisor.restarts());
    Ok(())
}
