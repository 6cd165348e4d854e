//! The command line.

use clap::Parser;
use clap::error::ErrorKind;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::failure::Failure;
use crate::faults::Faults;

/// Run cameras whose workers are killed, stopped and made to misbehave, and account for every frame.
#[derive(Debug, Parser)]
#[command(name = "rpi-stress", version)]
pub struct Args {
    /// Cameras, each in a thread of this process
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub cameras: u32,
    /// How long to run, in seconds
    #[arg(long, default_value_t = 20.0, value_name = "S", conflicts_with = "minutes")]
    pub seconds: f64,
    /// How long to run, in minutes
    #[arg(long, value_name = "M")]
    pub minutes: Option<f64>,
    /// Frames of each camera after which to end before the time
    #[arg(long, value_name = "N")]
    pub frames: Option<NonZeroU64>,
    /// Faults in a hundred frames of each camera
    #[arg(long, default_value_t = 2.0, value_name = "R")]
    pub rate: f64,
    /// Which faults: `all`, `none`, or some of kill,stop,stall,garbage,slow,fdleak,oom
    #[arg(long, default_value = "all", value_name = "LIST")]
    pub faults: Faults,
    /// Seed of faults, scenes and noise: the same one gives the same faults in the same frames
    #[arg(long, default_value_t = 1, value_name = "X")]
    pub seed: u64,
    /// Milliseconds after which a worker that has not finished a frame is replaced
    #[arg(long, default_value_t = 500, value_name = "MS", value_parser = clap::value_parser!(u64).range(100..))]
    pub timeout: u64,
    /// Keep a second worker of each camera ready
    #[arg(long)]
    pub spare: bool,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// How long to run.
    pub fn duration(&self) -> Duration {
        Duration::from_secs_f64(self.minutes.map_or(self.seconds, |minutes| minutes * 60.0))
    }
}

/// Reads the command line. Help and version are printed, and end the program.
pub fn parse() -> Result<Args, Failure> {
    let args = Args::try_parse().map_err(|error| match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => error.exit(),
        _ => {
            let text = error.to_string();
            Failure::input(text.strip_prefix("error: ").unwrap_or(&text))
        }
    })?;
    let in_range = |value: f64, most: f64| (0.0..=most).contains(&value);
    if !in_range(args.rate, 12.5) {
        return Err(Failure::input(
            "--rate: give a number from 0 to 12.5, which is a fault every eighth frame",
        ));
    }
    let (name, value) = args.minutes.map_or(("seconds", args.seconds), |minutes| ("minutes", minutes));
    if !in_range(value, 10_000_000.0) || value == 0.0 {
        return Err(Failure::input(format!("--{name}: give a number above 0")));
    }
    Ok(args)
}
