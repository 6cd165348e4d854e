// Types and calls of the mojom module `ipa.sample`.
// Generated from `sample.mojom` by ringfence-mojom 0.1.0; changes belong there.
//
// A little of everything.
//
// Over two paragraphs.

use std::collections::BTreeMap;
use ::ringfence::interfaces::libcamera;
use ::ringfence::ipc;
use ::ringfence::serialize;
use ::ringfence::serialize::native;

/// Frames in flight.
///
/// In mojom it is `MaxFrames`.
pub const MAX_FRAMES: u32 = 0x10;

/// `ipa.sample.Greeting`.
pub const GREETING: &str = "say \"hi\"";

/// `ipa.sample.Ratio`.
pub const RATIO: f64 = 1.5;

/// How fast to go.
#[derive(Debug, Clone, Copy, Default)]
pub enum Speed {
    /// `Slow`, 1.
    Slow,
    /// `Stopped`, 0.
    #[default]
    Stopped,
    /// `Fast`, -2.
    #[doc(alias = "quick")]
    Fast,
    /// A number that this interface has no name for. The other side's may have one.
    Unknown(i32),
}

impl Speed {
    /// `Rapid`, another name of `Fast`.
    pub const RAPID: Self = Self::Fast;
}

impl From<i32> for Speed {
    fn from(number: i32) -> Self {
        match number {
            1 => Self::Slow,
            0 => Self::Stopped,
            -2 => Self::Fast,
            number => Self::Unknown(number),
        }
    }
}

impl From<Speed> for i32 {
    fn from(value: Speed) -> Self {
        match value {
            Speed::Slow => 1,
            Speed::Stopped => 0,
            Speed::Fast => -2,
            Speed::Unknown(number) => number,
        }
    }
}

serialize::by_number!(Speed);

impl serialize::Enum for Speed {
    const NAMED: &'static [serialize::Flag<Self>] = &[
        serialize::named("Slow", 1),
        serialize::named("Stopped", 0),
        serialize::named("Fast", -2),
        serialize::named("Rapid", -2),
    ];
}

/// `ipa.sample.Choice`.
#[derive(Debug, Clone, Copy, Default)]
pub enum Choice {
    /// `A`, 0x1.
    #[default]
    A,
    /// `B`, 0x2.
    B,
    /// `Top`, 0x80000000.
    Top,
    /// A number that this interface has no name for. The other side's may have one.
    Unknown(i32),
}

impl From<i32> for Choice {
    fn from(number: i32) -> Self {
        match number {
            0x1 => Self::A,
            0x2 => Self::B,
            -2147483648 => Self::Top,
            number => Self::Unknown(number),
        }
    }
}

impl From<Choice> for i32 {
    fn from(value: Choice) -> Self {
        match value {
            Choice::A => 0x1,
            Choice::B => 0x2,
            Choice::Top => -2147483648,
            Choice::Unknown(number) => number,
        }
    }
}

serialize::by_number!(Choice);

impl serialize::Enum for Choice {
    const NAMED: &'static [serialize::Flag<Self>] = &[
        serialize::named("A", 0x1),
        serialize::named("B", 0x2),
        serialize::named("Top", -2147483648),
    ];
}

impl std::ops::BitOr for Choice {
    type Output = serialize::Flags<Self>;

    fn bitor(self, other: Self) -> Self::Output {
        serialize::Flags::from(self) | other
    }
}

/// Copied at will.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[non_exhaustive]
pub struct Plain {
    /// In metres, \[0, 5).
    #[doc(alias = "far")]
    pub distance: f32,
    /// `type`, of type `uint8`.
    pub r#type: u8,
    /// `moving`, of type `bool`.
    pub moving: bool,
    /// `speed`, of type `ipa.sample.Speed`.
    pub speed: Speed,
    /// `area`, of type `libcamera.Rectangle`.
    pub area: serialize::Rectangle,
}

impl native::Encode for Plain {
    type Wire = wire::Plain;

    fn region_bytes(&self) -> usize {
        0
    }

    fn encode<S: native::Sink + ?Sized>(
        &self,
        out: &mut native::Encoder<'_, S>,
    ) -> Self::Wire {
        wire::Plain {
            distance: self.distance.into(),
            r#type: self.r#type,
            moving: u8::from(self.moving),
            speed: self.speed.encode(out),
            area: self.area.encode(out),
        }
    }
}

impl native::Decode for Plain {
    fn decode(
        wire: &Self::Wire,
        input: &mut native::Decoder<'_>,
    ) -> Result<Self, native::DecodeError> {
        Ok(Self {
            distance: wire.distance.get(),
            r#type: wire.r#type,
            moving: native::Decode::decode(&wire.moving, input)
                .map_err(|error| error.within("moving"))?,
            speed: native::Decode::decode(&wire.speed, input)
                .map_err(|error| error.within("speed"))?,
            area: native::Decode::decode(&wire.area, input)
                .map_err(|error| error.within("area"))?,
        })
    }
}

/// `ipa.sample.Defaults`.
#[derive(Debug, Clone, PartialEq)]
pub struct Defaults {
    /// `name`, of type `string`.
    pub name: String,
    /// `count`, of type `int16`.
    pub count: i16,
    /// `speed`, of type `ipa.sample.Speed`.
    pub speed: Speed,
    /// `options`, of type `[flags] ipa.sample.Choice`.
    pub options: serialize::Flags<Choice>,
    /// `address`, of type `array<uint8, 4>`.
    ///
    /// Declared with 4 elements, which the encodings do not check.
    pub address: Vec<u8>,
    /// `places`, of type `map<string, array<ipa.sample.Plain>>`.
    pub places: BTreeMap<String, Vec<Plain>>,
}

impl Default for Defaults {
    fn default() -> Self {
        Self {
            name: "nobody".to_owned(),
            count: -3,
            speed: Speed::Fast,
            options: Choice::B.into(),
            address: Default::default(),
            places: Default::default(),
        }
    }
}

impl native::Encode for Defaults {
    type Wire = wire::Defaults;

    fn region_bytes(&self) -> usize {
        self.name.region_bytes() + self.address.region_bytes()
            + self.places.region_bytes()
    }

    fn encode<S: native::Sink + ?Sized>(
        &self,
        out: &mut native::Encoder<'_, S>,
    ) -> Self::Wire {
        wire::Defaults {
            name: self.name.encode(out),
            count: self.count.into(),
            speed: self.speed.encode(out),
            options: self.options.encode(out),
            address: self.address.encode(out),
            places: self.places.encode(out),
        }
    }
}

impl native::Decode for Defaults {
    fn decode(
        wire: &Self::Wire,
        input: &mut native::Decoder<'_>,
    ) -> Result<Self, native::DecodeError> {
        Ok(Self {
            name: native::Decode::decode(&wire.name, input)
                .map_err(|error| error.within("name"))?,
            count: wire.count.get(),
            speed: native::Decode::decode(&wire.speed, input)
                .map_err(|error| error.within("speed"))?,
            options: native::Decode::decode(&wire.options, input)
                .map_err(|error| error.within("options"))?,
            address: native::Decode::decode(&wire.address, input)
                .map_err(|error| error.within("address"))?,
            places: native::Decode::decode(&wire.places, input)
                .map_err(|error| error.within("places"))?,
        })
    }
}

/// `ipa.sample.Holder`.
#[derive(Debug, Clone, Default)]
pub struct Holder {
    /// `fd`, of type `libcamera.SharedFD`.
    pub fd: serialize::SharedFd,
    /// `planes`, of type `array<FrameBuffer.Plane>`.
    pub planes: Vec<serialize::Plane>,
    /// `controls`, of type `libcamera.ControlList`.
    pub controls: serialize::ControlList,
}

impl native::Encode for Holder {
    type Wire = wire::Holder;

    fn region_bytes(&self) -> usize {
        self.planes.region_bytes() + self.controls.region_bytes()
    }

    fn encode<S: native::Sink + ?Sized>(
        &self,
        out: &mut native::Encoder<'_, S>,
    ) -> Self::Wire {
        wire::Holder {
            fd: self.fd.encode(out),
            planes: self.planes.encode(out),
            controls: self.controls.encode(out),
        }
    }
}

impl native::Decode for Holder {
    fn decode(
        wire: &Self::Wire,
        input: &mut native::Decoder<'_>,
    ) -> Result<Self, native::DecodeError> {
        Ok(Self {
            fd: native::Decode::decode(&wire.fd, input)
                .map_err(|error| error.within("fd"))?,
            planes: native::Decode::decode(&wire.planes, input)
                .map_err(|error| error.within("planes"))?,
            controls: native::Decode::decode(&wire.controls, input)
                .map_err(|error| error.within("controls"))?,
        })
    }
}

/// What both ends of a connection have to agree on for [`IpaSample`].
pub static INTERFACE: ipc::Interface = ipc::Interface {
    name: "ipa.sample.IPASampleInterface",
    hash: 0xb9fe_e571_75a7_7764,
    methods: &[
        ipc::Method {
            name: "init",
            asynchronous: false,
        },
        ipc::Method {
            name: "start",
            asynchronous: false,
        },
        ipc::Method {
            name: "stop",
            asynchronous: false,
        },
        ipc::Method {
            name: "feed",
            asynchronous: true,
        },
        ipc::Method {
            name: "tick",
            asynchronous: true,
        },
    ],
    events: &["news", "idle"],
};

/// What a sample can do.
///
/// In mojom it is `ipa.sample.IPASampleInterface`.
pub trait IpaSample {
    /// Begins.
    ///
    /// - `settings`: What to begin with
    ///
    /// Returns Nothing of interest
    ///
    /// The results are (`ret`, `result`).
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    fn init(
        &mut self,
        settings: &libcamera::IpaSettings,
        connection: &Plain,
        flags: serialize::Flags<Choice>,
    ) -> Result<(i32, Defaults), ipc::CallError>;

    /// Method `start`.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    fn start(&mut self) -> Result<Speed, ipc::CallError>;

    /// Method `stop`.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    fn stop(&mut self) -> Result<(), ipc::CallError>;

    /// Method `feed`.
    ///
    /// Returns before the module has done it.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    fn feed(
        &mut self,
        reply: &[u32],
        method: &str,
        input: bool,
    ) -> Result<(), ipc::CallError>;

    /// Method `tick`.
    ///
    /// Returns before the module has done it.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.
    fn tick(&mut self) -> Result<(), ipc::CallError>;
}

/// The events of `ipa.sample.IPASampleEventInterface`.
pub trait IpaSampleEvents {
    /// There is news.
    ///
    /// - `plain`: The news
    ///   at length
    fn news(&mut self, plain: &Plain, to: &str, holders: &[Holder]);

    /// Event `idle`.
    fn idle(&mut self);
}

/// An event of [`IpaSample`], as a value.
#[derive(Debug, Clone)]
#[must_use]
pub enum IpaSampleEvent {
    /// There is news.
    ///
    /// In mojom it is `news`.
    News {
        /// The news at length.
        plain: Plain,
        /// `to`, of type `string`.
        to: String,
        /// `holders`, of type `array<ipa.sample.Holder>`.
        holders: Vec<Holder>,
    },
    /// Event `idle`.
    Idle,
}

impl IpaSampleEvent {
    /// Calls the method of `to` that is for this event.
    pub fn deliver(&self, to: &mut dyn IpaSampleEvents) {
        match self {
            Self::News { plain, to: to_, holders } => to.news(plain, to_, holders),
            Self::Idle => to.idle(),
        }
    }
}

impl ipc::Event for IpaSampleEvent {
    fn decode(
        number: u16,
        input: &mut native::Decoder<'_>,
    ) -> Result<Self, ipc::CallError> {
        match number {
            1 => {
                let wire = input.fixed::<wire::event::News>()?;
                Ok(Self::News {
                    plain: native::Decode::decode(&wire.plain, input)
                        .map_err(|error| error.within("plain"))?,
                    to: native::Decode::decode(&wire.to, input)
                        .map_err(|error| error.within("to"))?,
                    holders: native::Decode::decode(&wire.holders, input)
                        .map_err(|error| error.within("holders"))?,
                })
            }
            2 => Ok(Self::Idle),
            _ => {
                Err(ipc::CallError::UnknownEvent {
                    event: number,
                })
            }
        }
    }
}

impl IpaSampleEvents for ipc::Emitter {
    fn news(&mut self, plain: &Plain, to: &str, holders: &[Holder]) {
        self.emit(1, &event::News { plain, to, holders });
    }

    fn idle(&mut self) {
        self.emit(2, &event::Idle);
    }
}

impl IpaSampleEvents for ipc::EventQueue<IpaSampleEvent> {
    fn news(&mut self, plain: &Plain, to: &str, holders: &[Holder]) {
        self.push(IpaSampleEvent::News {
            plain: *plain,
            to: to.to_owned(),
            holders: holders.to_vec(),
        });
    }

    fn idle(&mut self) {
        self.push(IpaSampleEvent::Idle);
    }
}

/// A module that implements [`IpaSample`], in this thread, another one or a process of its own.
///
/// Events wait until [`dispatch`](Self::dispatch) or [`next_event`](Self::next_event) takes them; the
/// descriptor of the proxy is readable while there are any. No call delivers events.
pub struct IpaSampleProxy {
    backend: ipc::Backend<dyn IpaSample + Send, IpaSampleEvent>,
}

impl IpaSampleProxy {
    /// Runs the module that `make` builds as a plain object: calls are function calls.
    ///
    /// `make` is given where the module shall send its events.
    ///
    /// # Errors
    /// [`ipc::ConnectError`] if the process is out of descriptors.
    pub fn direct<M>(
        make: impl FnOnce(Box<dyn IpaSampleEvents + Send>) -> M,
    ) -> Result<Self, ipc::ConnectError>
    where
        M: IpaSample + Send + 'static,
    {
        let module = |queue| -> Box<dyn IpaSample + Send> {
            Box::new(make(Box::new(queue)))
        };
        Ok(Self {
            backend: ipc::Backend::direct(module)?,
        })
    }

    /// Runs the module that `make` builds in a thread of its own.
    ///
    /// # Errors
    /// [`ipc::ConnectError`] if the thread or its connection cannot be set up.
    pub fn threaded<M>(
        options: &ipc::Options,
        make: impl FnOnce(Box<dyn IpaSampleEvents + Send>) -> M + Send + 'static,
    ) -> Result<Self, ipc::ConnectError>
    where
        M: IpaSample,
    {
        let serve = move |endpoint| serve(endpoint, make);
        Ok(Self {
            backend: ipc::Backend::threaded(&INTERFACE, options, serve)?,
        })
    }

    /// Starts `worker` in a process of its own, which calls [`serve`] there.
    ///
    /// It ends with the calling *thread*, unless the options have a [nursery](ipc::Options::nursery).
    ///
    /// # Errors
    /// [`ipc::ConnectError`] if the worker does not start, or serves another interface.
    pub fn isolated(
        options: &ipc::Options,
        worker: &ipc::Worker,
    ) -> Result<Self, ipc::ConnectError> {
        Ok(Self {
            backend: ipc::Backend::isolated(&INTERFACE, options, worker)?,
        })
    }

    /// Runs what a manager has chosen, as it has chosen.
    ///
    /// # Errors
    /// [`ipc::ConnectError`] if that is not possible, or the choice is for another interface. Nothing then runs.
    pub fn open(
        choice: &ipc::manager::Choice,
        options: &ipc::Options,
    ) -> Result<Self, ipc::ConnectError> {
        Ok(Self {
            backend: ipc::Backend::open(&INTERFACE, choice, options)?,
        })
    }

    /// Where the module runs.
    #[must_use]
    pub fn mode(&self) -> ipc::Mode {
        self.backend.mode()
    }

    /// Takes the oldest event, if there is one.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module is gone, or an event cannot be read.
    pub fn next_event(&mut self) -> Result<Option<IpaSampleEvent>, ipc::CallError> {
        self.backend.next_event()
    }

    /// Delivers the events that are there, oldest first, and returns their number.
    ///
    /// At most [`ipc::DISPATCH_LIMIT`] at a time, so that a module which never stops cannot keep its
    /// caller; the descriptor stays readable if more are there.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module is gone, or an event cannot be read.
    pub fn dispatch(
        &mut self,
        to: &mut dyn IpaSampleEvents,
    ) -> Result<usize, ipc::CallError> {
        for count in 0..ipc::DISPATCH_LIMIT {
            match self.next_event()? {
                Some(event) => event.deliver(to),
                None => return Ok(count),
            }
        }
        self.wait(Some(std::time::Instant::now()))?;
        Ok(ipc::DISPATCH_LIMIT)
    }

    /// Waits until there is an event, and returns `false` if `deadline` passes before.
    ///
    /// # Errors
    /// [`ipc::CallError`] if the module is gone.
    pub fn wait(
        &mut self,
        deadline: Option<std::time::Instant>,
    ) -> Result<bool, ipc::CallError> {
        self.backend.wait(deadline)
    }

    /// Gives the next call this much time, whatever the connection's options say. A call of a plain object
    /// takes as long as it takes.
    pub fn deadline_of_next_call(&mut self, deadline: std::time::Duration) {
        self.backend.deadline_of_next_call(deadline);
    }

    /// Events that were dropped so far, since nobody took them: see [`ipc::OnFlood`].
    #[must_use]
    pub fn dropped_events(&self) -> u64 {
        self.backend.dropped_events()
    }

    /// The connection to the module, unless it is a plain object.
    #[must_use]
    pub fn connection(&self) -> Option<&ipc::Connection> {
        self.backend.connection()
    }

    /// The connection to the module, unless it is a plain object.
    #[must_use]
    pub fn connection_mut(&mut self) -> Option<&mut ipc::Connection> {
        self.backend.connection_mut()
    }
}

impl IpaSample for IpaSampleProxy {
    fn init(
        &mut self,
        settings: &libcamera::IpaSettings,
        connection_: &Plain,
        flags: serialize::Flags<Choice>,
    ) -> Result<(i32, Defaults), ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => {
                module.init(settings, connection_, flags)
            }
            ipc::Backend::Remote(connection) => {
                connection
                    .call(
                        1,
                        &request::Init {
                            settings,
                            connection: connection_,
                            flags,
                        },
                        reply::read_init,
                    )
            }
        }
    }

    fn start(&mut self) -> Result<Speed, ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.start(),
            ipc::Backend::Remote(connection) => {
                connection.call(2, &request::Start, reply::read_start)
            }
        }
    }

    fn stop(&mut self) -> Result<(), ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.stop(),
            ipc::Backend::Remote(connection) => {
                connection.call(3, &request::Stop, |_| Ok(()))
            }
        }
    }

    fn feed(
        &mut self,
        reply: &[u32],
        method: &str,
        input: bool,
    ) -> Result<(), ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.feed(reply, method, input),
            ipc::Backend::Remote(connection) => {
                connection
                    .cast(
                        4,
                        &request::Feed {
                            reply,
                            method,
                            input,
                        },
                    )
            }
        }
    }

    fn tick(&mut self) -> Result<(), ipc::CallError> {
        match &mut self.backend {
            ipc::Backend::Direct { module, .. } => module.tick(),
            ipc::Backend::Remote(connection) => connection.cast(5, &request::Tick),
        }
    }
}

impl std::os::fd::AsFd for IpaSampleProxy {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.backend.as_fd()
    }
}

impl std::fmt::Debug for IpaSampleProxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IpaSampleProxy")
            .field("mode", &self.mode())
            .finish_non_exhaustive()
    }
}

/// Makes a linked-in module that implements [`IpaSample`] known to a manager:
/// [`ipc::manager::Manager::link`].
///
/// `make` is given where the module shall send its events, each time that one is opened.
pub fn linked<M>(
    make: impl Fn(Box<dyn IpaSampleEvents + Send>) -> M + Send + Sync + 'static,
) -> ipc::manager::Linked
where
    M: IpaSample + Send + 'static,
{
    ipc::manager::Linked::new(
        &INTERFACE,
        move |queue: ipc::EventQueue<IpaSampleEvent>| -> Box<dyn IpaSample + Send> {
            Box::new(make(Box::new(queue)))
        },
    )
}

/// Calls a module that implements [`IpaSample`] as messages demand.
pub struct IpaSampleDispatcher<M> {
    module: M,
}

impl<M: IpaSample> IpaSampleDispatcher<M> {
    /// A dispatcher of calls to `module`.
    #[must_use]
    pub fn new(module: M) -> Self {
        Self { module }
    }
}

impl<M> std::fmt::Debug for IpaSampleDispatcher<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IpaSampleDispatcher").finish_non_exhaustive()
    }
}

impl<M: IpaSample> ipc::Dispatch for IpaSampleDispatcher<M> {
    fn dispatch(
        &mut self,
        method: u16,
        mut input: native::Decoder<'_>,
        reply: ipc::Reply<'_>,
    ) -> Result<(), ipc::CallError> {
        match method {
            1 => {
                let (settings, connection, flags) = request::read_init(&mut input)?;
                input.finish()?;
                let (ret, result) = self.module.init(&settings, &connection, flags)?;
                reply
                    .send(
                        &reply::Init {
                            ret,
                            result: &result,
                        },
                    )
            }
            2 => {
                input.finish()?;
                let speed = self.module.start()?;
                reply.send(&reply::Start { speed })
            }
            3 => {
                input.finish()?;
                self.module.stop()?;
                reply.send(&reply::Stop)
            }
            4 => {
                let (reply_, method_, input_) = request::read_feed(&mut input)?;
                input.finish()?;
                self.module.feed(&reply_, &method_, input_)
            }
            5 => {
                input.finish()?;
                self.module.tick()
            }
            _ => {
                Err(ipc::CallError::UnknownMethod {
                    method,
                })
            }
        }
    }
}

/// Builds a module that implements [`IpaSample`] and serves it to the host at `endpoint`, until the
/// host is gone.
///
/// `make` is given where the module shall send its events.
///
/// # Errors
/// [`ipc::ServeError`] if the host wants another interface, or the connection fails.
pub fn serve<M: IpaSample>(
    endpoint: ipc::Endpoint,
    make: impl FnOnce(Box<dyn IpaSampleEvents + Send>) -> M,
) -> Result<(), ipc::ServeError> {
    endpoint
        .serve(&INTERFACE, |emitter| IpaSampleDispatcher::new(make(Box::new(emitter))))
}

/// Parameters of the methods, as they are sent.
mod request {
    use ::ringfence::interfaces::libcamera;
    use ::ringfence::serialize;
    use ::ringfence::serialize::native;

    /// Parameters of `init`.
    pub(super) struct Init<'a> {
        pub(super) settings: &'a libcamera::IpaSettings,
        pub(super) connection: &'a super::Plain,
        pub(super) flags: serialize::Flags<super::Choice>,
    }

    impl native::Encode for Init<'_> {
        type Wire = super::wire::request::Init;

        fn region_bytes(&self) -> usize {
            self.settings.region_bytes()
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::request::Init {
                settings: self.settings.encode(out),
                connection: self.connection.encode(out),
                flags: self.flags.encode(out),
            }
        }
    }

    /// Reads the parameters of `init`.
    pub(super) fn read_init(
        input: &mut native::Decoder<'_>,
    ) -> Result<
        (libcamera::IpaSettings, super::Plain, serialize::Flags<super::Choice>),
        native::DecodeError,
    > {
        let wire = input.fixed::<super::wire::request::Init>()?;
        Ok((
            native::Decode::decode(&wire.settings, input)
                .map_err(|error| error.within("settings"))?,
            native::Decode::decode(&wire.connection, input)
                .map_err(|error| error.within("connection"))?,
            native::Decode::decode(&wire.flags, input)
                .map_err(|error| error.within("flags"))?,
        ))
    }

    /// Parameters of `start`.
    pub(super) struct Start;

    impl native::Encode for Start {
        type Wire = ();

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {}
    }

    /// Parameters of `stop`.
    pub(super) struct Stop;

    impl native::Encode for Stop {
        type Wire = ();

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {}
    }

    /// Parameters of `feed`.
    pub(super) struct Feed<'a> {
        pub(super) reply: &'a [u32],
        pub(super) method: &'a str,
        pub(super) input: bool,
    }

    impl native::Encode for Feed<'_> {
        type Wire = super::wire::request::Feed;

        fn region_bytes(&self) -> usize {
            self.reply.region_bytes() + self.method.region_bytes()
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::request::Feed {
                reply: self.reply.encode(out),
                method: self.method.encode(out),
                input: u8::from(self.input),
            }
        }
    }

    /// Reads the parameters of `feed`.
    pub(super) fn read_feed(
        input: &mut native::Decoder<'_>,
    ) -> Result<(Vec<u32>, String, bool), native::DecodeError> {
        let wire = input.fixed::<super::wire::request::Feed>()?;
        Ok((
            native::Decode::decode(&wire.reply, input)
                .map_err(|error| error.within("reply"))?,
            native::Decode::decode(&wire.method, input)
                .map_err(|error| error.within("method"))?,
            native::Decode::decode(&wire.input, input)
                .map_err(|error| error.within("input"))?,
        ))
    }

    /// Parameters of `tick`.
    pub(super) struct Tick;

    impl native::Encode for Tick {
        type Wire = ();

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {}
    }
}

/// Results of the methods, as they are sent.
mod reply {
    use ::ringfence::serialize::native;

    /// Results of `init`.
    pub(super) struct Init<'a> {
        pub(super) ret: i32,
        pub(super) result: &'a super::Defaults,
    }

    impl native::Encode for Init<'_> {
        type Wire = super::wire::reply::Init;

        fn region_bytes(&self) -> usize {
            self.result.region_bytes()
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::reply::Init {
                ret: self.ret.into(),
                result: self.result.encode(out),
            }
        }
    }

    /// Reads the results of `init`.
    pub(super) fn read_init(
        input: &mut native::Decoder<'_>,
    ) -> Result<(i32, super::Defaults), native::DecodeError> {
        let wire = input.fixed::<super::wire::reply::Init>()?;
        Ok((
            wire.ret.get(),
            native::Decode::decode(&wire.result, input)
                .map_err(|error| error.within("result"))?,
        ))
    }

    /// Results of `start`.
    pub(super) struct Start {
        pub(super) speed: super::Speed,
    }

    impl native::Encode for Start {
        type Wire = super::wire::reply::Start;

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::reply::Start {
                speed: self.speed.encode(out),
            }
        }
    }

    /// Reads the results of `start`.
    pub(super) fn read_start(
        input: &mut native::Decoder<'_>,
    ) -> Result<super::Speed, native::DecodeError> {
        let wire = input.fixed::<super::wire::reply::Start>()?;
        native::Decode::decode(&wire.speed, input).map_err(|error| error.within("speed"))
    }

    /// Results of `stop`.
    pub(super) struct Stop;

    impl native::Encode for Stop {
        type Wire = ();

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {}
    }
}

/// Events, as they are sent.
mod event {
    use ::ringfence::serialize::native;

    /// Event `news`.
    pub(super) struct News<'a> {
        pub(super) plain: &'a super::Plain,
        pub(super) to: &'a str,
        pub(super) holders: &'a [super::Holder],
    }

    impl native::Encode for News<'_> {
        type Wire = super::wire::event::News;

        fn region_bytes(&self) -> usize {
            self.to.region_bytes() + self.holders.region_bytes()
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            out: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {
            super::wire::event::News {
                plain: self.plain.encode(out),
                to: self.to.encode(out),
                holders: self.holders.encode(out),
            }
        }
    }

    /// Event `idle`.
    pub(super) struct Idle;

    impl native::Encode for Idle {
        type Wire = ();

        fn region_bytes(&self) -> usize {
            0
        }

        fn encode<S: native::Sink + ?Sized>(
            &self,
            _: &mut native::Encoder<'_, S>,
        ) -> Self::Wire {}
    }
}

/// Fixed parts of the native encoding. Fields have the names of those that they hold.
#[allow(missing_docs)]
pub mod wire {
    use ::ringfence::interfaces::libcamera;
    use ::ringfence::serialize::native;
    use ::ringfence::zerocopy::byteorder::little_endian as le;
    use ::ringfence::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

    /// Fixed part of [`Plain`](super::Plain).
    #[derive(
        Debug,
        Clone,
        Copy,
        FromBytes,
        IntoBytes,
        Immutable,
        KnownLayout,
        Unaligned
    )]
    #[zerocopy(crate = "::ringfence::zerocopy")]
    #[repr(C)]
    pub struct Plain {
        pub distance: le::F32,
        pub r#type: u8,
        pub moving: u8,
        pub speed: le::I32,
        pub area: libcamera::wire::Rectangle,
    }

    /// Fixed part of [`Defaults`](super::Defaults).
    #[derive(
        Debug,
        Clone,
        Copy,
        FromBytes,
        IntoBytes,
        Immutable,
        KnownLayout,
        Unaligned
    )]
    #[zerocopy(crate = "::ringfence::zerocopy")]
    #[repr(C)]
    pub struct Defaults {
        pub name: native::Span,
        pub count: le::I16,
        pub speed: le::I32,
        pub options: le::U32,
        pub address: native::Span,
        pub places: native::Span,
    }

    /// Fixed part of [`Holder`](super::Holder).
    #[derive(
        Debug,
        Clone,
        Copy,
        FromBytes,
        IntoBytes,
        Immutable,
        KnownLayout,
        Unaligned
    )]
    #[zerocopy(crate = "::ringfence::zerocopy")]
    #[repr(C)]
    pub struct Holder {
        pub fd: le::U32,
        pub planes: native::Span,
        pub controls: native::Span,
    }

    /// Fixed parts of the parameters of methods.
    pub mod request {
        use ::ringfence::interfaces::libcamera;
        use ::ringfence::serialize::native;
        use ::ringfence::zerocopy::byteorder::little_endian as le;
        use ::ringfence::zerocopy::{
            FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
        };

        /// Fixed part of the parameters of `init`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct Init {
            pub settings: libcamera::wire::IpaSettings,
            pub connection: super::Plain,
            pub flags: le::U32,
        }

        /// Fixed part of the parameters of `feed`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct Feed {
            pub reply: native::Span,
            pub method: native::Span,
            pub input: u8,
        }
    }

    /// Fixed parts of the results of methods.
    pub mod reply {
        use ::ringfence::zerocopy::byteorder::little_endian as le;
        use ::ringfence::zerocopy::{
            FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
        };

        /// Fixed part of the results of `init`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct Init {
            pub ret: le::I32,
            pub result: super::Defaults,
        }

        /// Fixed part of the results of `start`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct Start {
            pub speed: le::I32,
        }
    }

    /// Fixed parts of events.
    pub mod event {
        use ::ringfence::serialize::native;
        use ::ringfence::zerocopy::{
            FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
        };

        /// Fixed part of the event `news`.
        #[derive(
            Debug,
            Clone,
            Copy,
            FromBytes,
            IntoBytes,
            Immutable,
            KnownLayout,
            Unaligned
        )]
        #[zerocopy(crate = "::ringfence::zerocopy")]
        #[repr(C)]
        pub struct News {
            pub plain: super::Plain,
            pub to: native::Span,
            pub holders: native::Span,
        }
    }
}
