//! `iceoryx2`: request and response, publish and subscribe, and events.

use std::hint::{black_box, spin_loop};
use std::sync::atomic::{AtomicU32, Ordering};

use iceoryx2::active_request::ActiveRequest;
use iceoryx2::node::{Node, NodeBuilder};
use iceoryx2::pending_response::PendingResponse;
use iceoryx2::port::client;
use iceoryx2::port::listener::Listener;
use iceoryx2::port::notifier::Notifier;
use iceoryx2::port::publisher::Publisher;
use iceoryx2::port::server;
use iceoryx2::port::subscriber::Subscriber;
use iceoryx2::prelude::{BackpressureStrategy, LogLevel, SignalHandlingMode, ipc, set_log_level};
use iceoryx2::service::port_factory::request_response::PortFactory;

use super::{End, Message};
use crate::Failure;
use crate::host::RivalWorker;
use crate::rivals::Way;

type Service = ipc::Service;
type Request = ActiveRequest<Service, Message, (), Message, ()>;
type Response = PendingResponse<Service, Message, (), Message, ()>;

/// How to wait for a message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Ask for one again and again.
    Look,
    /// Sleep until the other side's event.
    Sleep,
}

fn node() -> Result<Node<Service>, Failure> {
    set_log_level(LogLevel::Error);
    Ok(NodeBuilder::new().signal_handling_mode(SignalHandlingMode::Disabled).create::<Service>()?)
}

/// A name that no other run and no other round has.
fn unique_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    // ORDERING: Relaxed: a counter.
    format!("ringfence-bench/{}/{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn request_response(
    node: &Node<Service>,
    name: &str,
) -> Result<PortFactory<Service, Message, (), Message, ()>, Failure> {
    Ok(node.service_builder(&name.try_into()?).request_response::<Message, Message>().open_or_create()?)
}

/// The host's end of requests and responses. Fields are dropped in this order: the node last.
pub struct Client {
    pending: Option<Response>,
    client: client::Client<Service, Message, (), Message, ()>,
    _service: PortFactory<Service, Message, (), Message, ()>,
    _node: Node<Service>,
    message: Message,
}

impl Client {
    pub fn host(worker: &mut RivalWorker) -> Result<Self, Failure> {
        let (node, name) = (node()?, unique_name());
        let service = request_response(&node, &name)?;
        worker.open(Way::Iceoryx2Request, &name, 1, &[])?;
        let client = service.client_builder().create()?;
        Ok(Self { pending: None, client, _service: service, _node: node, message: Message::default() })
    }
}

impl End for Client {
    fn send(&mut self) -> Result<(), Failure> {
        self.message[0] += 1;
        // The zero-copy way.
        let request = self.client.loan_uninit()?.write_payload(self.message);
        self.pending = Some(request.send()?);
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Failure> {
        let pending = self.pending.take().ok_or("nothing was asked")?;
        loop {
            if let Some(response) = pending.receive()? {
                self.message = black_box(*response);
                return Ok(());
            }
            spin_loop();
        }
    }
}

/// The worker's end of requests and responses.
pub struct Server {
    active: Option<Request>,
    server: server::Server<Service, Message, (), Message, ()>,
    _service: PortFactory<Service, Message, (), Message, ()>,
    _node: Node<Service>,
}

impl Server {
    pub fn worker(name: &str) -> Result<Self, Failure> {
        let node = node()?;
        let service = request_response(&node, name)?;
        let server = service.server_builder().create()?;
        Ok(Self { active: None, server, _service: service, _node: node })
    }
}

impl End for Server {
    fn send(&mut self) -> Result<(), Failure> {
        let request = self.active.take().ok_or("nothing was asked")?;
        request.loan_uninit()?.write_payload(*request).send()?;
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Failure> {
        loop {
            if let Some(request) = self.server.receive()? {
                self.active = Some(request);
                return Ok(());
            }
            spin_loop();
        }
    }
}

/// One end of two publishers and subscribers.
pub struct Publish {
    publisher: Publisher<Service, Message, ()>,
    subscriber: Subscriber<Service, Message, ()>,
    /// To wake the other side, and to sleep on.
    events: Option<(Notifier<Service>, Listener<Service>)>,
    _node: Node<Service>,
    message: Message,
}

impl Publish {
    pub fn host(worker: &mut RivalWorker, capacity: usize, wait: Wait) -> Result<Self, Failure> {
        let name = unique_name();
        let this = Self::new(&format!("{name}/there"), &format!("{name}/back"), capacity, wait)?;
        let way = if wait == Wait::Look { Way::Iceoryx2Publish } else { Way::Iceoryx2Event };
        worker.open(way, &name, capacity, &[])?;
        Ok(this)
    }

    pub fn worker(name: &str, capacity: usize, wait: Wait) -> Result<Self, Failure> {
        Self::new(&format!("{name}/back"), &format!("{name}/there"), capacity, wait)
    }

    /// `capacity` is how many messages a subscriber keeps.
    fn new(outgoing: &str, incoming: &str, capacity: usize, wait: Wait) -> Result<Self, Failure> {
        let node = node()?;
        let messages = |name: &str| -> Result<_, Failure> {
            let builder = node.service_builder(&name.try_into()?).publish_subscribe::<Message>();
            // As in a ring, nothing is lost.
            let builder = builder.enable_safe_overflow(false).subscriber_max_buffer_size(capacity);
            Ok(builder.open_or_create()?)
        };
        let (out, back) = (messages(outgoing)?, messages(incoming)?);
        let publisher = out.publisher_builder();
        let publisher =
            publisher.backpressure_strategy(BackpressureStrategy::RetryUntilDelivered).create()?;
        let subscriber = back.subscriber_builder().buffer_size(capacity).create()?;
        let event = |name: &str| -> Result<_, Failure> {
            Ok(node.service_builder(&name.try_into()?).event().open_or_create()?)
        };
        let events = match wait {
            Wait::Look => None,
            Wait::Sleep => Some((
                event(outgoing)?.notifier_builder().create()?,
                event(incoming)?.listener_builder().create()?,
            )),
        };
        Ok(Self { publisher, subscriber, events, _node: node, message: Message::default() })
    }
}

impl End for Publish {
    fn send(&mut self) -> Result<(), Failure> {
        self.message[0] += 1;
        // The zero-copy way.
        self.publisher.loan_uninit()?.write_payload(self.message).send()?;
        if let Some((notifier, _)) = &self.events {
            notifier.notify()?;
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<(), Failure> {
        loop {
            if let Some(sample) = self.subscriber.receive()? {
                self.message = black_box(*sample);
                return Ok(());
            }
            match &self.events {
                Some((_, listener)) => drop(listener.blocking_wait(|_| {})?),
                None => spin_loop(),
            }
        }
    }
}
