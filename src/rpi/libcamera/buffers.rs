//! Buffers as the IPA of 0.0.3 can bear to be given them: it maps them whole, reads statistics as if the buffer had the
//! room, and ends itself over a plane that exceeds its descriptor.

use rustix::fs::OFlags;

use crate::interfaces::libcamera::IpaBuffer;
use crate::interfaces::libcamera_0_0_3::libcamera::IpaBuffer as OldBuffer;
use crate::ipc::CallError;
use crate::rpi::buffers::MappedBuffer;
use crate::rpi::layout::STATISTICS_BYTES;

/// The buffers in 0.0.3's terms.
pub(super) fn translate(buffers: &[IpaBuffer]) -> Result<Vec<OldBuffer>, CallError> {
    buffers
        .iter()
        .map(|buffer| {
            check(buffer).map_err(|why| CallError::Module(format!("buffer {:#x}: {why}", buffer.id)))?;
            Ok(OldBuffer { id: buffer.id, planes: buffer.planes.clone() })
        })
        .collect()
}

fn check(buffer: &IpaBuffer) -> Result<(), String> {
    if buffer.id == 0 {
        return Err("0 stands for no buffer".to_owned());
    }
    let first = buffer.planes.first().ok_or("it has no planes")?;
    if (first.length as usize) < STATISTICS_BYTES {
        return Err(format!(
            "its first plane has {} bytes, statistics have {STATISTICS_BYTES}",
            first.length
        ));
    }
    for plane in &buffer.planes {
        let fd = plane.fd.get().ok_or("a plane has no descriptor")?;
        let flags = rustix::fs::fcntl_getfl(fd).map_err(|errno| format!("fcntl(F_GETFL): {errno}"))?;
        if flags & OFlags::RWMODE != OFlags::RDWR {
            return Err("a plane cannot be both read and written".to_owned());
        }
        // That it can be mapped here says that it is long enough.
        MappedBuffer::map(fd, plane.offset.into(), plane.length as usize)
            .map_err(|error| error.to_string())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpi::buffers::SharedBuffer;
    use crate::serialize::{Plane, SharedFd};
    use std::os::fd::AsFd;

    fn buffer(id: u32, bytes: usize, length: usize) -> IpaBuffer {
        let memory = SharedBuffer::allocate("ringfence-test", bytes).unwrap();
        let fd = SharedFd::from(memory.as_fd().try_clone_to_owned().unwrap());
        IpaBuffer { id, planes: vec![Plane { fd, offset: 0, length: length as u32 }] }
    }

    #[test]
    fn buffers_that_would_end_the_worker_are_refused() {
        let refused = |buffer: IpaBuffer| translate(&[buffer]).unwrap_err().to_string();
        assert!(translate(&[buffer(7, STATISTICS_BYTES, STATISTICS_BYTES)]).is_ok());
        assert!(refused(buffer(0, STATISTICS_BYTES, STATISTICS_BYTES)).contains("0 stands for no buffer"));
        assert!(refused(buffer(7, STATISTICS_BYTES, 100)).contains("first plane has 100 bytes"));
        assert!(refused(buffer(7, 20_000, 20_000_000)).contains("exceeds the buffer's"));
        assert!(refused(IpaBuffer { id: 7, planes: Vec::new() }).contains("no planes"));
        let none = Plane { fd: SharedFd::none(), offset: 0, length: STATISTICS_BYTES as u32 };
        assert!(refused(IpaBuffer { id: 7, planes: vec![none] }).contains("no descriptor"));
        let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).unwrap();
        let fd = SharedFd::from(std::os::fd::OwnedFd::from(file));
        let plane = Plane { fd, offset: 0, length: STATISTICS_BYTES as u32 };
        assert!(refused(IpaBuffer { id: 7, planes: vec![plane] }).contains("both read and written"));
    }
}
