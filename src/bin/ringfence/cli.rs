//! The command line.

use std::ffi::OsString;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use ringfence::ipc::{Mode, SandboxPolicy};
use ringfence::rpi::camera::{Light, SensorMode};
use ringfence::rpi::libcamera::InterfaceVersion;

use crate::completions::CompletionsArgs;
use crate::doctor::DoctorArgs;
use crate::failure::Failure;
use crate::inspect::InspectArgs;
use crate::man::ManArgs;
use crate::top::TopArgs;
use crate::trace::TraceArgs;
use crate::wire::args::WireCommand;

/// Run a virtual Raspberry Pi camera whose image-processing algorithms live in another process.
#[derive(Debug, Parser)]
#[command(name = "ringfence", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    run: RunArgs,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the virtual camera and write pictures of it (what happens without a command, too)
    Run(RunArgs),
    /// Measure what a call costs on this machine, beside the machine's own limits and beside sockets
    Bench(BenchArgs),
    /// Call libcamera's test module, vimc, through its isolated worker, and print what it answers
    Vimc(VimcArgs),
    /// Stand between a libcamera host and a worker, and record what crosses
    Relay(RelayArgs),
    /// Let a worker try what no worker may do, and tell what stopped it; fails if anything got through
    SandboxProbe(SandboxProbeArgs),
    /// Tell what this system offers for workers, and how to mend what is missing
    Doctor(DoctorArgs),
    /// Tell which modules are there, how each would run, and why
    Modules(crate::modules::ModulesArgs),
    /// Make a pair of keys with which modules are signed
    Keygen(crate::keygen::KeygenArgs),
    /// Sign modules
    Sign(crate::sign::SignArgs),
    /// Tell whether a trusted key has signed modules
    Verify(crate::verify::VerifyArgs),
    /// Tell what a module's file is, what it serves and who has signed it, without loading it
    Inspect(InspectArgs),
    /// Show what goes over the connections of this user's processes, and how fast
    Top(TopArgs),
    /// Follow a connection of a running host, message by message
    Trace(TraceArgs),
    /// Encode and decode values, and read recorded sessions, given nothing but interface files
    #[command(subcommand)]
    Wire(WireCommand),
    /// Print a script that lets a shell complete this program's command line
    Completions(CompletionsArgs),
    /// Print a page of the manual, or write all of them to a folder
    Man(ManArgs),
}

/// What to stand before.
#[derive(Debug, Args)]
#[command(after_help = "The host starts it as the worker: see docs/libcamera.md.")]
pub struct RelayArgs {
    /// File for the record: a line for each datagram, as JSON
    #[arg(long, value_name = "FILE")]
    pub record: PathBuf,
    /// Print one JSON object in the end: what crossed each way, and how the worker ended
    #[arg(long)]
    pub json: bool,
    /// The worker and its arguments, of which the last is the number of the host's socket
    #[arg(last = true, required = true, value_name = "WORKER")]
    pub worker: Vec<OsString>,
}

/// How to probe.
#[derive(Debug, Args)]
pub struct SandboxProbeArgs {
    /// The sandbox: all that workers get by default, what the system offers of it, or none
    #[arg(long, value_enum, default_value_t = SandboxName::Strict)]
    pub policy: SandboxName,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
}

/// How to measure.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// One round instead of five
    #[arg(long)]
    pub quick: bool,
    /// Print one JSON object instead of tables
    #[arg(long)]
    pub json: bool,
    /// Folder for the chart
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Let the system choose the processors of host and worker
    #[arg(long)]
    pub unpinned: bool,
}

/// How to run the camera.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// Whose algorithms: those built in, or libcamera's, from Debian's package libcamera-ipa
    #[arg(long, value_enum, default_value_t = IpaName::BuiltIn)]
    pub ipa: IpaName,
    #[command(flatten)]
    pub libcamera: LibcameraArgs,
    /// How the algorithms run: linked in, in a thread, or in a process of their own
    #[arg(long, value_enum, default_value_t = ModeName::Isolated)]
    pub mode: ModeName,
    /// What keeps a process of its own from doing anything but compute
    #[arg(long, value_enum, default_value_t = SandboxName::Strict)]
    pub sandbox: SandboxName,
    /// What the camera looks at: `chart`, or a PNG or JPEG file
    #[arg(long, default_value = "chart", value_name = "chart|FILE")]
    pub scene: String,
    /// Colour temperature of the light, in kelvin (1700 to 15000)
    #[arg(long, default_value_t = 4500.0, value_name = "K", allow_negative_numbers = true)]
    pub kelvin: f64,
    /// Brightness of the light, in lux (0.1 to 200000)
    #[arg(long, default_value_t = 500.0, value_name = "L", allow_negative_numbers = true)]
    pub lux: f64,
    /// Frames to take
    #[arg(long, default_value = "120", value_name = "N", allow_negative_numbers = true)]
    pub frames: NonZeroU32,
    /// Frames a second to keep to, or `max`; the camera's own clock, and so the result, is the same
    #[arg(long, default_value = "30", value_name = "F|max", allow_negative_numbers = true)]
    pub fps: Fps,
    /// Change the light from a frame on; may be given several times
    #[arg(long, value_name = "FRAME:LUX:KELVIN")]
    pub step: Vec<Step>,
    /// Tuning file in Raspberry Pi's format, instead of the one built in or installed
    #[arg(long, value_name = "FILE")]
    pub tuning: Option<PathBuf>,
    /// Folder for the pictures and the plot
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Print one JSON object a frame and a last one with the summary
    #[arg(long)]
    pub json: bool,
    /// Size of the picture
    #[arg(long, default_value = "1640x1232", value_name = "WxH")]
    pub size: Size,
    /// How often within a minute the algorithms are started again if they end or hang; with 0 the run ends
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub restarts: u32,
    /// Seed of the sensor's noise
    #[arg(long, default_value_t = 1, value_name = "N", allow_negative_numbers = true)]
    pub seed: u64,
}

/// Which module to call.
#[derive(Debug, Args)]
pub struct VimcArgs {
    #[command(flatten)]
    pub libcamera: LibcameraArgs,
    /// Print one JSON object for each call and event instead of a line of text
    #[arg(long)]
    pub json: bool,
}

/// Which of libcamera's workers.
#[derive(Debug, Args)]
pub struct LibcameraArgs {
    /// libcamera's isolated worker, instead of the installed one
    #[arg(long, value_name = "PATH")]
    pub worker: Option<PathBuf>,
    /// The module that it loads, instead of the installed one
    #[arg(long, value_name = "PATH")]
    pub module: Option<PathBuf>,
    /// Version of libcamera that both are from; told from the module if not given
    #[arg(long, value_enum, value_name = "VERSION")]
    pub ipa_version: Option<VersionName>,
}

/// Whose algorithms run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum IpaName {
    /// Ours
    BuiltIn,
    /// libcamera's, in its own worker
    Libcamera,
}

/// [`InterfaceVersion`] by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum VersionName {
    /// As in Debian 12
    #[value(name = "0.0.3")]
    V0_0_3,
    /// The newest
    Newest,
}

impl From<VersionName> for InterfaceVersion {
    fn from(name: VersionName) -> Self {
        match name {
            VersionName::V0_0_3 => Self::V0_0_3,
            VersionName::Newest => Self::Newest,
        }
    }
}

/// [`Mode`] by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ModeName {
    /// Linked in: a plain function call
    Direct,
    /// In a thread of this process, behind the rings
    Threaded,
    /// In a process of its own, behind the rings
    Isolated,
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Direct => Self::Direct,
            ModeName::Threaded => Self::Threaded,
            ModeName::Isolated => Self::Isolated,
        }
    }
}

/// [`SandboxPolicy`] by its name on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SandboxName {
    /// Every layer that needs no privilege, or no worker
    Strict,
    /// Every layer that this system offers
    BestEffort,
    /// None: the worker may do whatever this process may
    Off,
}

impl From<SandboxName> for SandboxPolicy {
    fn from(name: SandboxName) -> Self {
        match name {
            SandboxName::Strict => Self::strict(),
            SandboxName::BestEffort => Self::best_effort(),
            SandboxName::Off => Self::off(),
        }
    }
}

/// How fast to go.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fps {
    /// Frames a second.
    At(f64),
    /// As fast as the machine can.
    Max,
}

impl FromStr for Fps {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "max" {
            return Ok(Self::Max);
        }
        match text.parse() {
            Ok(rate) if (0.1..=1000.0).contains(&rate) => Ok(Self::At(rate)),
            _ => Err("give a number from 0.1 to 1000, or `max`".into()),
        }
    }
}

/// A change of the light.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    /// The first frame of the new light.
    pub frame: u64,
    /// The new light.
    pub light: Light,
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let form = || "give it as FRAME:LUX:KELVIN, as in 60:4000:6500".to_owned();
        let [frame, lux, kelvin] = text.split(':').collect::<Vec<_>>().try_into().map_err(|_| form())?;
        let frame = frame.parse().map_err(|_| form())?;
        let (lux, kelvin) = (lux.parse().map_err(|_| form())?, kelvin.parse().map_err(|_| form())?);
        Ok(Self { frame, light: Light::new(kelvin, lux).map_err(|error| error.to_string())? })
    }
}

/// Size of the picture.
#[derive(Debug, Clone, Copy)]
pub struct Size(pub SensorMode);

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let sides = text.split_once('x').and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        let (width, height) = sides.ok_or("give it as WIDTHxHEIGHT, as in 820x616")?;
        SensorMode::new(width, height).map(Self).map_err(|error| error.to_string())
    }
}

/// The command line as clap has it: for what is made of it, such as its manual.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Reads the command line. `--help` and `--version` end the process here.
pub fn parse() -> Result<Command, Failure> {
    match Cli::try_parse() {
        Ok(cli) => Ok(cli.command.unwrap_or(Command::Run(cli.run))),
        Err(error) if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) => {
            error.exit()
        }
        Err(error) => Err(Failure::input(one_line(&error))),
    }
}

/// What clap says, in one line: without usage and the reference to `--help`.
fn one_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let said = text.split("\n\nUsage:").next().unwrap_or_default();
    let said = said.split("\n\nFor more information").next().unwrap_or_default();
    let said = said.strip_prefix("error: ").unwrap_or(said);
    said.split_whitespace().collect::<Vec<_>>().join(" ") + "; `ringfence --help` lists all options"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// All commands that do something, with their full names.
    fn commands(command: &clap::Command, name: &str) -> Vec<(String, clap::Command)> {
        let mut found = vec![(name.to_owned(), command.clone())];
        if command.is_subcommand_required_set() {
            found.clear();
        }
        for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
            found.extend(commands(sub, &format!("{name} {}", sub.get_name())));
        }
        found
    }

    #[test]
    fn every_command_can_print_json() {
        let commands = commands(&Cli::command(), "ringfence");
        assert!(commands.iter().any(|(name, _)| name == "ringfence wire encode"), "the tree is walked");
        for (name, command) in commands {
            let json = command.get_arguments().find(|argument| argument.get_long() == Some("json"));
            let json = json.unwrap_or_else(|| panic!("{name} has no --json"));
            assert!(
                !json.is_hide_set() && !json.get_action().takes_values(),
                "{name}: --json is a plain switch"
            );
            assert!(json.get_help().unwrap().to_string().contains("JSON"), "{name}: --json is not explained");
        }
    }

    #[test]
    fn no_command_is_a_run() {
        let cli = Cli::try_parse_from(["ringfence", "--frames", "3", "--step", "1:100:3000"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!((cli.run.frames.get(), cli.run.step[0].frame), (3, 1));
    }

    #[test]
    fn mistakes_are_one_line_that_says_how_to_mend_them() {
        for (args, expected) in [
            (
                &["--mode", "fast"][..],
                "invalid value 'fast' for '--mode <MODE>' [possible values: direct, threaded, isolated]",
            ),
            (&["--fps", "0"], "give a number from 0.1 to 1000, or `max`"),
            (&["--step", "7"], "give it as FRAME:LUX:KELVIN"),
            (&["--step", "7:0:3000"], "lux"),
            (&["--size", "3x3"], "even"),
            (&["--frames", "0"], "zero"),
            (&["--ipa", "other"], "[possible values: built-in, libcamera]"),
            (&["--ipa-version", "1"], "[possible values: 0.0.3, newest]"),
            (&["--frames", "-3"], "invalid value '-3' for '--frames <N>'"),
        ] {
            let error = Cli::try_parse_from(["ringfence", "run"].iter().chain(args)).unwrap_err();
            let line = one_line(&error);
            assert!(line.contains(expected) && !line.contains('\n'), "{line}");
        }
    }
}
