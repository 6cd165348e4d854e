//! A host: runs the module of this file behind the fence, with this table, and looks these lines up.

use std::env;
use std::error::Error;
use std::process::ExitCode;

use ringfence::ipc::module::ModuleFile;
use ringfence::ipc::{Options, Worker, run_if_worker};
use tiny_module::tiny::{Tiny, TinyProxy};

fn main() -> Result<ExitCode, Box<dyn Error>> {
    // The program is its own worker: as such, it loads the module, and goes no further.
    if let Some(code) = run_if_worker(&[]) {
        return Ok(code);
    }
    let mut args = env::args().skip(1);
    let (Some(file), Some(table)) = (args.next(), args.next()) else {
        return Err("usage: tiny-host MODULE TABLE LINE…".into());
    };
    let module = ModuleFile::read(file)?;
    println!("{} for {}", module.info(), module.info().pipeline);
    let worker = Worker::loading(&module).reads(&table);
    let mut proxy = TinyProxy::isolated(&Options::new(), &worker)?;
    println!("{} numbers", proxy.load(&table)?);
    for line in args {
        println!("{}", proxy.lookup(line.parse()?)?);
    }
    Ok(ExitCode::SUCCESS)
}
