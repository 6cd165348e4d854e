//! A component behind a generated interface, run in one mode after the other.
//!
//! `thermometer.mojom` is the interface, [`Bulb`] the component and [`watch`] the host. The host cannot
//! tell where the component runs. In isolated mode this program starts itself once more, as the worker.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ringfence::ipc::{CallError, Component, Options, Worker, run_if_worker};

use thermometer::{Place, Reading, Thermometer, ThermometerEvents, ThermometerProxy};

/// The interface, as the build script made it of `thermometer.mojom`. A library would make it public; a
/// binary does not use all of it.
#[allow(dead_code)]
mod thermometer {
    include!(concat!(env!("OUT_DIR"), "/thermometer.rs"));
}

/// What this program can serve as a worker.
const COMPONENTS: [Component; 1] =
    [Component { name: "thermometer", serve: |endpoint| thermometer::serve(endpoint, Bulb::new) }];

/// The component: it is five degrees warmer at every reading.
struct Bulb {
    events: Box<dyn ThermometerEvents + Send>,
    temperature: f32,
    limit: f32,
}

impl Bulb {
    fn new(events: Box<dyn ThermometerEvents + Send>) -> Self {
        Self { events, temperature: 10.0, limit: f32::INFINITY }
    }
}

impl Thermometer for Bulb {
    fn measure(&mut self, place: Place) -> Result<Reading, CallError> {
        self.temperature += 5.0;
        let reading = Reading { temperature: self.temperature, place };
        if reading.temperature >= self.limit {
            self.events.too_hot(&reading);
        }
        Ok(reading)
    }

    fn set_limit(&mut self, limit: f32) -> Result<(), CallError> {
        self.limit = limit;
        Ok(())
    }
}

/// Prints and keeps the warnings.
#[derive(Default)]
struct Alarm {
    heard: Vec<Reading>,
}

impl ThermometerEvents for Alarm {
    fn too_hot(&mut self, reading: &Reading) {
        println!("  too hot: {} degrees", reading.temperature);
        self.heard.push(*reading);
    }
}

/// The host: measures four times and hears of the heat.
fn watch(mut component: ThermometerProxy) -> Result<Vec<Reading>, CallError> {
    println!("{}", component.mode());
    component.set_limit(25.0)?;
    for _ in 0..4 {
        let reading = component.measure(Place::Outdoors)?;
        println!("  {} degrees", reading.temperature);
    }
    let mut alarm = Alarm::default();
    let deadline = Instant::now() + Duration::from_secs(10);
    while alarm.heard.len() < 2 && component.wait(Some(deadline))? {
        component.dispatch(&mut alarm)?;
    }
    Ok(alarm.heard)
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    // As the worker, this program goes no further.
    if let Some(code) = run_if_worker(&COMPONENTS) {
        return Ok(code);
    }
    let options = Options::new();
    watch(ThermometerProxy::direct(Bulb::new)?)?;
    watch(ThermometerProxy::threaded(&options, Bulb::new)?)?;
    let worker = Worker::component("thermometer");
    watch(ThermometerProxy::isolated(&options, &worker)?)?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_cannot_tell_the_modes_apart() {
        let expected = [25.0, 30.0].map(|temperature| Reading { temperature, place: Place::Outdoors });
        let direct = ThermometerProxy::direct(Bulb::new).unwrap();
        assert_eq!(watch(direct).unwrap(), expected);
        let threaded = ThermometerProxy::threaded(&Options::new(), Bulb::new).unwrap();
        assert_eq!(watch(threaded).unwrap(), expected);
        // A test runner's `main` does not become a worker, the program's does.
    }
}
