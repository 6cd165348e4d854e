//! A component behind a generated interface, run in one mode after the other.
//!
//! `thermometer.mojom` is the interface, [`Bulb`] the component and [`watch`] the host. The host cannot
//! tell where the component runs. In isolated mode this program starts itself once more, as the worker.

#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::{Duration, Instant};

use ringfence::ipc::{CallError, Component, Options, Worker, run_if_worker};

use thermometer::{Place, Reading, Settings, Thermometer, ThermometerEvents, ThermometerProxy, Warning};

/// The interface, as the build script made it of `thermometer.mojom`. A library would make it public; a
/// binary does not use all of it.
#[allow(dead_code)]
mod thermometer {
    include!(concat!(env!("OUT_DIR"), "/thermometer.rs"));
}

/// What this program can serve as a worker.
const COMPONENTS: [Component; 1] =
    [Component { name: "thermometer", serve: |endpoint| thermometer::serve(endpoint, Bulb::new) }];

/// The component: every reading is warmer than the one before, and it is warmer indoors.
struct Bulb {
    events: Box<dyn ThermometerEvents + Send>,
    temperature: f32,
    settings: Settings,
}

impl Bulb {
    fn new(events: Box<dyn ThermometerEvents + Send>) -> Self {
        Self { events, temperature: 10.0, settings: Settings::default() }
    }
}

impl Thermometer for Bulb {
    fn measure(&mut self, place: Place) -> Result<Reading, CallError> {
        self.temperature += self.settings.step;
        let temperature = match place {
            Place::Indoors => self.temperature + 10.0,
            Place::Outdoors => self.temperature,
            // The host may be of a newer build, with more places in its interface.
            Place::Unknown(number) => return Err(CallError::Module(format!("there is no place {number}"))),
        };
        let reading = Reading { temperature, place };
        if self.settings.warnings.contains(Warning::TooHot) && temperature >= self.settings.limit {
            self.events.too_hot(&reading);
        }
        Ok(reading)
    }

    fn configure(&mut self, settings: &Settings) -> Result<(), CallError> {
        self.settings = *settings;
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
    // Fields have the interface's default values, so that a host names those that it cares about.
    let warnings = Warning::TooHot | Warning::Frost;
    component.configure(&Settings { limit: 25.0, warnings, ..Settings::default() })?;
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

    #[test]
    fn a_place_that_only_the_host_knows_is_an_error_and_no_more() {
        for mut proxy in [
            ThermometerProxy::direct(Bulb::new).unwrap(),
            ThermometerProxy::threaded(&Options::new(), Bulb::new).unwrap(),
        ] {
            let error = proxy.measure(Place::from(7)).unwrap_err();
            assert!(error.to_string().contains("there is no place 7"), "{error}");
            assert_eq!(proxy.measure(Place::Indoors).unwrap().temperature, 30.0);
        }
    }
}
