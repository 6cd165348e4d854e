//! The programs that sort a worker's system calls: pass, refuse, or ask the host.
//!
//! They are made by the host and installed by the child that becomes the worker. What they cannot tell to be
//! harmless, they hand to the host ([`super::notice`]), which knows how far the worker has come, and which can name
//! the call that ended it. The kernel runs all of them on each call and takes the strictest answer:
//! kill, then an errno, then the host, then pass.

use std::collections::BTreeMap;
use std::os::fd::{FromRawFd, OwnedFd};

use rustix::io::Errno;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule,
    TargetArch, sock_filter,
};
use syscalls::{Sysno, aarch64, x86_64};

use super::allowed::{ALLOWED, REFUSED, Rule, Test, UNJUDGED, UNKNOWN};
use super::notice;
use super::system_call::SystemCall;

/// `SECCOMP_SET_MODE_FILTER` of `linux/seccomp.h`, as all that follow.
const SET_MODE_FILTER: usize = 1;
/// `SECCOMP_FILTER_FLAG_NEW_LISTENER`.
const NEW_LISTENER: usize = 1 << 3;
/// `SECCOMP_RET_USER_NOTIF`.
const ASK_THE_HOST: u32 = 0x7fc0_0000;
/// `SECCOMP_RET_TRACE`, with a datum that nobody else uses. The compiler knows no `SECCOMP_RET_USER_NOTIF`, so this
/// stands for it until it is done.
const PLACEHOLDER: u32 = 0x7ff0_0000 | PLACEHOLDER_DATUM;
const PLACEHOLDER_DATUM: u32 = 0xa5c3;
/// `BPF_RET | BPF_K`.
const RETURN: u16 = 0x06;

/// Why no filter could be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FilterError {
    /// Nobody has yet written down what this machine's system calls are.
    #[error("no filter of system calls for {}: only x86_64 and aarch64 have one", std::env::consts::ARCH)]
    Architecture,
    /// The rules make no program.
    #[error("the filter of system calls does not compile")]
    Compile(#[from] seccompiler::BackendError),
}

/// A worker's filters, ready to be installed.
#[derive(Debug)]
pub(in crate::ipc) struct Filter {
    /// Answers with an errno.
    pub(super) quiet: Vec<BpfProgram>,
    /// Passes, or asks the host. `None` if the kernel's messages would not fit.
    pub(super) asking: Option<BpfProgram>,
    /// Passes, or kills.
    pub(super) killing: BpfProgram,
}

/// `struct sock_fprog` of `linux/filter.h`.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const sock_filter,
}

impl Filter {
    /// Filters for a worker that may make these calls, with any arguments, besides those that every worker needs.
    pub fn new(extra: &[SystemCall]) -> Result<Self, FilterError> {
        let arch = if cfg!(target_arch = "x86_64") {
            TargetArch::x86_64
        } else if cfg!(target_arch = "aarch64") {
            TargetArch::aarch64
        } else {
            return Err(FilterError::Architecture);
        };
        let mut filter = Self::of(arch, extra)?;
        filter.asking = filter.asking.take_if(|_| notice::fits());
        Ok(filter)
    }

    pub(super) fn of(arch: TargetArch, extra: &[SystemCall]) -> Result<Self, FilterError> {
        let extra: Vec<i64> = extra.iter().map(|call| i64::from(call.number())).collect();
        let quiet = [(UNKNOWN, Errno::NOSYS), (REFUSED, Errno::PERM)];
        let quiet = quiet.map(|(names, errno)| {
            let rules = names.iter().filter_map(|name| number(arch, name));
            let rules = rules.filter(|call| !extra.contains(call)).map(|call| (call, vec![])).collect();
            let errno = SeccompAction::Errno(errno.raw_os_error().unsigned_abs());
            compile(arch, rules, SeccompAction::Allow, errno)
        });
        let rules = |tables: &[&[Rule]]| -> Result<BTreeMap<i64, Vec<SeccompRule>>, FilterError> {
            let mut rules = BTreeMap::new();
            for rule in tables.iter().copied().flatten() {
                for call in rule.calls.iter().filter_map(|name| number(arch, name)) {
                    // A later rule of the same call replaces an earlier one.
                    rules
                        .insert(call, rule.when.iter().map(|tests| all_of(tests)).collect::<Result<_, _>>()?);
                }
            }
            rules.extend(extra.iter().map(|call| (*call, vec![])));
            Ok(rules)
        };
        let asking = SeccompAction::Trace(PLACEHOLDER_DATUM);
        let mut asking = compile(arch, rules(&[ALLOWED])?, asking, SeccompAction::Allow)?;
        for instruction in &mut asking {
            if (instruction.code, instruction.k) == (RETURN, PLACEHOLDER) {
                instruction.k = ASK_THE_HOST;
            }
        }
        let mut killing = rules(&[ALLOWED, UNJUDGED])?;
        // To kill would be stricter than the errno, and so win.
        let quietly = UNKNOWN.iter().chain(REFUSED).filter_map(|name| number(arch, name));
        killing.extend(quietly.map(|call| (call, vec![])));
        let killing = compile(arch, killing, SeccompAction::KillProcess, SeccompAction::Allow)?;
        Ok(Self { quiet: quiet.into_iter().collect::<Result<_, _>>()?, asking: Some(asking), killing })
    }

    /// Installs the filters in the calling thread, for good. Gives the descriptor through which the kernel asks; if
    /// the kernel cannot ask, or another filter's listener has that right already, then calls that the host would
    /// judge kill instead, and there is none.
    ///
    /// The thread needs `no_new_privs`. Only raw system calls and no allocation: it may be the child of a process
    /// with other threads.
    pub fn install(&self) -> Result<Option<OwnedFd>, Errno> {
        for program in &self.quiet {
            install(program, 0)?;
        }
        if let Some(asking) = &self.asking {
            match install(asking, NEW_LISTENER) {
                Ok(fd) => {
                    let fd = i32::try_from(fd).map_err(|_| Errno::OVERFLOW)?;
                    // SAFETY: the kernel has just made this descriptor, and nobody else knows of it.
                    return Ok(Some(unsafe { OwnedFd::from_raw_fd(fd) }));
                }
                Err(Errno::BUSY | Errno::INVAL | Errno::NOSYS) => {}
                Err(errno) => return Err(errno),
            }
        }
        install(&self.killing, 0)?;
        Ok(None)
    }
}

fn install(program: &[sock_filter], flags: usize) -> Result<usize, Errno> {
    let length = u16::try_from(program.len()).map_err(|_| Errno::INVAL)?;
    let program = Program { length, instructions: program.as_ptr() };
    // SAFETY: the kernel copies `length` instructions, which `instructions` points to, and nothing else.
    let result = unsafe { syscalls::syscall!(Sysno::seccomp, SET_MODE_FILTER, flags, &raw const program) };
    result.map_err(|errno| Errno::from_raw_os_error(errno.into_raw()))
}

fn compile(
    arch: TargetArch,
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    otherwise: SeccompAction,
    matched: SeccompAction,
) -> Result<BpfProgram, FilterError> {
    Ok(SeccompFilter::new(rules, otherwise, matched, arch)?.try_into()?)
}

fn all_of(tests: &[Test]) -> Result<SeccompRule, FilterError> {
    let conditions = tests.iter().map(|test| match *test {
        Test::Low(argument, mask, value) => {
            let masked = SeccompCmpOp::MaskedEq(mask.into());
            SeccompCondition::new(argument, SeccompCmpArgLen::Dword, masked, value.into())
        }
        Test::Zero(argument) => SeccompCondition::new(argument, SeccompCmpArgLen::Qword, SeccompCmpOp::Eq, 0),
    });
    Ok(SeccompRule::new(conditions.collect::<Result<_, _>>()?)?)
}

/// The number of a call, if the architecture has it.
fn number(arch: TargetArch, name: &str) -> Option<i64> {
    match arch {
        TargetArch::x86_64 => name.parse().ok().map(|call: x86_64::Sysno| call.id().into()),
        TargetArch::aarch64 => name.parse().ok().map(|call: aarch64::Sysno| call.id().into()),
        TargetArch::riscv64 => None,
    }
}
