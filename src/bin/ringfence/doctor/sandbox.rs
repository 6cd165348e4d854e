//! The layers of the sandbox.

use rustix::io::Errno;
use rustix::process::{PidfdFlags, getpid, pidfd_open};
use syscalls::{Sysno, syscall};

use super::{Check, child, setting};

pub fn checks() -> Vec<Check> {
    let mut checks = vec![kernel(), landlock(), filter(), clone3(), pidfd()];
    checks.extend(namespaces());
    checks
}

fn kernel() -> Check {
    let system = rustix::system::uname();
    let machine = system.machine().to_string_lossy().into_owned();
    let text = format!("Linux {} on {machine}", system.release().to_string_lossy());
    match machine.as_str() {
        "x86_64" | "aarch64" => Check::ok("kernel", text),
        _ => Check::required(
            "kernel",
            format!("{text}: there is a filter of system calls for x86_64 and aarch64 alone"),
        ),
    }
}

fn landlock() -> Check {
    const NAME: &str = "Landlock";
    // LANDLOCK_CREATE_RULESET_VERSION.
    // SAFETY: with this flag the call takes no memory.
    match unsafe { syscall!(Sysno::landlock_create_ruleset, 0, 0, 1) } {
        Ok(version) => {
            Check::ok(NAME, format!("ABI {version}: workers read the files that they are to read alone"))
        }
        Err(errno) if errno.into_raw() == Errno::OPNOTSUPP.raw_os_error() => {
            let order = setting("/sys/kernel/security/lsm").unwrap_or_else(|| "…".to_owned());
            Check::required(NAME, "switched off: workers could read files of the host's")
                .mend(format!("add lsm=landlock,{order} to the kernel's command line"))
        }
        Err(errno) => Check::required(NAME, format!("{errno}: workers could read files of the host's"))
            .mend("a kernel from Linux 5.13 on with CONFIG_SECURITY_LANDLOCK"),
    }
}

fn filter() -> Check {
    const NAME: &str = "seccomp";
    match child::listener() {
        Ok(()) => Check::ok(NAME, "filters system calls, and names the one that ended a worker"),
        Err(Errno::BUSY) => Check::missing(
            NAME,
            "this process is itself watched: what ends a worker is not named, and its seal is missing",
        )
        .mend("start the host outside of a container that watches system calls"),
        Err(errno) => Check::required(NAME, format!("{errno}: workers could make any system call"))
            .mend("a kernel from Linux 5.5 on with CONFIG_SECCOMP_FILTER"),
    }
}

fn pidfd() -> Check {
    const NAME: &str = "pidfd";
    match pidfd_open(getpid(), PidfdFlags::empty()) {
        Ok(_) => Check::ok(NAME, "the end of a worker is seen at once"),
        Err(errno) => Check::required(NAME, format!("{errno}: no worker can be watched"))
            .mend("a kernel from Linux 5.3 on"),
    }
}

fn clone3() -> Check {
    const NAME: &str = "clone3";
    // Without arguments it makes nothing, and says so in its own way.
    // SAFETY: with a size of zero the call takes no memory.
    match unsafe { syscall!(Sysno::clone3, 0, 0) } {
        Err(errno) if errno.into_raw() == Errno::INVAL.raw_os_error() => {
            Check::ok(NAME, "a worker is made together with the descriptor that watches it")
        }
        Ok(_) | Err(_) => Check::required(NAME, "no process can be made that is confined from the start")
            .mend("a kernel from Linux 5.3 on; in a container, a runtime whose filter knows clone3"),
    }
}

/// Each one in a child, together with a user namespace, which gives the right to the others.
fn namespaces() -> Vec<Check> {
    let user = child::namespaces(child::USER);
    let bonus = "the filter of system calls holds alone there";
    let check = |name, result: Result<(), Errno>, gives: &str| match result {
        Ok(()) => Check::ok(name, gives),
        Err(errno) => Check { mend: userns_hints(), ..Check::missing(name, format!("{errno}: {bonus}")) },
    };
    let with = |flags| user.and_then(|()| child::namespaces(child::USER | flags));
    vec![
        check("user namespace", user, "a worker is nobody, without capabilities"),
        check("network namespace", with(child::NET), "a worker has no network"),
        check("IPC namespace", with(child::IPC), "a worker sees no System V objects"),
        check("UTS namespace", with(child::UTS), "a worker has a host name of its own"),
        check("PID namespace", with(child::PID), "a worker can name no other process"),
    ]
}

/// Which settings refuse user namespaces, and the commands that change them.
fn userns_hints() -> Vec<String> {
    refusals(setting)
}

fn refusals(setting: impl Fn(&str) -> Option<String>) -> Vec<String> {
    let settings = [
        ("/proc/sys/kernel/unprivileged_userns_clone", "0", "sysctl -w kernel.unprivileged_userns_clone=1"),
        ("/proc/sys/user/max_user_namespaces", "0", "sysctl -w user.max_user_namespaces=15000"),
        (
            "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
            "1",
            "sysctl -w kernel.apparmor_restrict_unprivileged_userns=0",
        ),
    ];
    let refuses = settings.iter().filter(|(path, refusing, _)| setting(path).as_deref() == Some(*refusing));
    let commands: Vec<String> = refuses.map(|(.., command)| format!("sudo {command}")).collect();
    if commands.is_empty() {
        return vec!["allow user namespaces in the container's settings".to_owned()];
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_that_refuses_is_named() {
        let told = |paths: &'static [&str]| {
            refusals(move |path| {
                paths
                    .iter()
                    .find(|known| path.ends_with(known.split('=').next().unwrap()))
                    .map(|known| known.split('=').nth(1).unwrap().to_owned())
            })
        };
        assert_eq!(
            told(&["max_user_namespaces=0", "apparmor_restrict_unprivileged_userns=1"]),
            [
                "sudo sysctl -w user.max_user_namespaces=15000",
                "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
            ]
        );
        assert!(told(&["max_user_namespaces=15000"])[0].contains("container"));
    }
}
