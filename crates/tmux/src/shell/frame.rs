//! What supervisor and keeper say to each other: frames of a fixed length, some with a descriptor.

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// One frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    /// To the keeper, with a descriptor: the pipe of a pane.
    Add { pipe: u64, pane: u32 },
    /// To the keeper: the pipe is not wanted any more.
    Remove { pipe: u64 },
    /// To the keeper: I read.
    Pong,
    /// To the keeper: I read again; say what you took.
    Back,
    /// To the supervisor: something lies in a pipe; do you read?
    Ping,
    /// To the supervisor, before the first byte is taken: I read now.
    TookOver,
    /// To the supervisor: what was taken from a pipe.
    Took { pipe: u64, bytes: u64 },
    /// To the supervisor: that was all; the rest is yours.
    Yours,
}

/// The length of a frame, bytes.
const LENGTH: usize = 17;

impl Frame {
    fn bytes(self) -> [u8; LENGTH] {
        let (kind, first, second) = match self {
            Self::Add { pipe, pane } => (0, pipe, u64::from(pane)),
            Self::Remove { pipe } => (1, pipe, 0),
            Self::Pong => (2, 0, 0),
            Self::Back => (3, 0, 0),
            Self::Ping => (4, 0, 0),
            Self::TookOver => (5, 0, 0),
            Self::Took { pipe, bytes } => (6, pipe, bytes),
            Self::Yours => (7, 0, 0),
        };
        let mut out = [kind; LENGTH];
        out[1..9].copy_from_slice(&first.to_le_bytes());
        out[9..].copy_from_slice(&second.to_le_bytes());
        out
    }

    fn read(bytes: [u8; LENGTH]) -> Option<Self> {
        let number = |at: usize| bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map(u64::from_le_bytes);
        let (first, second) = (number(1)?, number(9)?);
        Some(match bytes[0] {
            0 => Self::Add { pipe: first, pane: u32::try_from(second).ok()? },
            1 => Self::Remove { pipe: first },
            2 => Self::Pong,
            3 => Self::Back,
            4 => Self::Ping,
            5 => Self::TookOver,
            6 => Self::Took { pipe: first, bytes: second },
            7 => Self::Yours,
            _ => return None,
        })
    }
}

/// Sends a frame without waiting.
///
/// # Errors
/// When the other side is gone, or does not read.
pub(super) fn send(socket: impl AsFd, frame: Frame, descriptor: Option<BorrowedFd<'_>>) -> rustix::io::Result<()> {
    send_bytes(socket, &frame.bytes(), descriptor, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)
}

/// Sends bytes, with a descriptor.
pub(super) fn send_bytes(
    socket: impl AsFd,
    bytes: &[u8],
    descriptor: Option<BorrowedFd<'_>>,
    flags: SendFlags,
) -> rustix::io::Result<()> {
    let descriptors: Vec<BorrowedFd<'_>> = descriptor.into_iter().collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !descriptors.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&descriptors));
    }
    let sent = loop {
        match sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, flags) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    if sent == bytes.len() { Ok(()) } else { Err(Errno::AGAIN) }
}

/// Receives bytes with at most one descriptor; `0` bytes: the other side is gone.
pub(super) fn receive_bytes(
    socket: impl AsFd,
    bytes: &mut [u8],
    flags: RecvFlags,
) -> rustix::io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(4))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    #[cfg(target_os = "linux")]
    let flags = flags | RecvFlags::CMSG_CLOEXEC;
    let received = loop {
        match recvmsg(&socket, &mut [IoSliceMut::new(bytes)], &mut control, flags) {
            Err(Errno::INTR) => {}
            other => break other?,
        }
    };
    let mut descriptor = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            descriptor = descriptors.last();
        }
    }
    #[cfg(not(target_os = "linux"))]
    if let Some(descriptor) = &descriptor {
        rustix::io::fcntl_setfd(descriptor, rustix::io::FdFlags::CLOEXEC)?;
    }
    Ok((received.bytes, descriptor))
}

/// What comes next.
#[derive(Debug)]
pub(super) enum Next {
    /// A frame with its descriptor.
    Frame(Frame, Option<OwnedFd>),
    /// Nothing now.
    Nothing,
    /// The other side is gone, or says what is no frame.
    Gone,
}

/// Receives a frame without waiting.
pub(super) fn receive(socket: impl AsFd) -> Next {
    let mut bytes = [0; LENGTH];
    match receive_bytes(socket, &mut bytes, RecvFlags::DONTWAIT) {
        Ok((LENGTH, descriptor)) => Frame::read(bytes).map_or(Next::Gone, |frame| Next::Frame(frame, descriptor)),
        Err(Errno::AGAIN) => Next::Nothing,
        Ok(_) | Err(_) => Next::Gone,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_arrive_as_they_were_sent_with_their_descriptors() {
        let (here, there) = std::os::unix::net::UnixStream::pair().unwrap();
        let frames = [
            Frame::Add { pipe: 7, pane: 3 },
            Frame::Remove { pipe: u64::MAX },
            Frame::Pong,
            Frame::Back,
            Frame::Ping,
            Frame::TookOver,
            Frame::Took { pipe: 7, bytes: 1 << 40 },
            Frame::Yours,
        ];
        for frame in frames {
            let with = matches!(frame, Frame::Add { .. }).then(|| here.as_fd());
            send(&here, frame, with).unwrap();
        }
        for frame in frames {
            let Next::Frame(got, descriptor) = receive(&there) else { panic!("{frame:?}") };
            assert_eq!((got, descriptor.is_some()), (frame, matches!(frame, Frame::Add { .. })));
        }
        assert!(matches!(receive(&there), Next::Nothing));
        drop(here);
        assert!(matches!(receive(&there), Next::Gone));
    }
}
