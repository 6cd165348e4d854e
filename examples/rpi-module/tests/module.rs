//! The module behind the fence against the algorithms that this test is linked to: a camera cannot tell them apart.

use std::path::PathBuf;
use std::time::Duration;

use image::RgbImage;
use ringfence::interfaces::rpi::{INTERFACE, IpaRPiProxy};
use ringfence::ipc::module::ModuleFile;
use ringfence::ipc::{Layers, Mode, Options, SandboxPolicy, Worker, run_if_worker};
use ringfence::rpi::camera::Light;
use ringfence::rpi::ipa::module::RaspberryPiIpa;
use ringfence::rpi::pipeline::Pipeline;
use ringfence::serialize::ControlList;
use ringfence::serialize::controls::IdMap;
// The module's library: with it, cargo builds the shared object.
use rpi_module as _;
use simulation::{DAY, Illuminant, Simulation, WARM};

#[path = "../../../tests/common/simulation.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod simulation;

/// Frames in which exposure and colours come to rest, and some more.
const FRAMES: u32 = 60;

/// Not a test: what this executable does when it is started as a worker.
#[test]
fn worker_entry() {
    if run_if_worker(&[]).is_some() {
        std::process::exit(0);
    }
}

fn module() -> ModuleFile {
    let own = std::env::current_exe().unwrap();
    ModuleFile::read(own.parent().unwrap().join("librpi_module.so")).unwrap()
}

fn isolated(tuning: &str) -> IpaRPiProxy {
    let worker = Worker::loading(&module()).program(std::env::current_exe().unwrap());
    let worker = worker.args(["--exact", "worker_entry", "--nocapture"]);
    let worker = if tuning.is_empty() { worker } else { worker.reads(tuning) };
    IpaRPiProxy::isolated(&Options::new().sandbox(SandboxPolicy::strict()), &worker).unwrap()
}

/// All that a camera learns from its IPA, frame by frame.
fn film(ipa: IpaRPiProxy, illuminant: Illuminant, lux: f64, tuning: &str) -> Vec<String> {
    let controls = ControlList::new(IdMap::Controls);
    let camera = Simulation::new(illuminant, Duration::ZERO);
    let mut pipeline = Pipeline::start(ipa, camera, tuning, &controls).unwrap();
    let mut image = RgbImage::new(64, 48);
    let light = Light::new(5000.0, lux).unwrap();
    let mut frames = Vec::new();
    for _ in 0..FRAMES {
        let frame = pipeline.frame(light, &controls, &mut image).unwrap();
        assert!(frame.is_complete(), "{frame:?}");
        frames.push(format!("{:?} {:?} {:?}", frame.captured, frame.isp, frame.metadata));
    }
    frames
}

#[test]
fn a_camera_cannot_tell_it_from_what_is_linked_in() {
    let tuning = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../src/rpi/tuning/virtual.json"));
    let tuning = tuning.canonicalize().unwrap();
    for (illuminant, lux, tuning) in [(WARM, 400.0, ""), (DAY, 5000.0, tuning.to_str().unwrap())] {
        let linked = IpaRPiProxy::direct(RaspberryPiIpa::new).unwrap();
        let expected = film(linked, illuminant, lux, tuning);
        assert!(expected.first() != expected.last(), "nothing happens");
        for (number, (found, expected)) in
            film(isolated(tuning), illuminant, lux, tuning).iter().zip(&expected).enumerate()
        {
            assert_eq!(found, expected, "frame {number}");
        }
    }
}

#[test]
fn it_is_what_it_says_and_runs_behind_the_whole_fence() {
    module().fits(&INTERFACE).unwrap();
    assert_eq!(module().info().pipeline, "rpi/vc4");
    let ipa = isolated("");
    assert_eq!(ipa.mode(), Mode::Isolated);
    let layers = ipa.connection().unwrap().layers();
    // The last one comes when it has read its tuning.
    assert_eq!(Layers::REQUIRED.difference(layers), Layers::SEAL, "{layers}");
}
