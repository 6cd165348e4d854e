//! The proxy: the module's trait, wherever the module runs.

use proc_macro2::{Literal, TokenStream};
use quote::quote;

use super::libcamera::libcamera_read_ident;
use super::messages::read_ident;
use super::{Generator, Names, doc, initialiser, local, message_ident, method_ident, numbered, value_ident};
use crate::model::Method;

/// Names of the code around parameters.
const TAKEN: [&str; 2] = ["module", "connection"];

impl Generator<'_> {
    pub(super) fn proxy(&self, names: &Names<'_>) -> TokenStream {
        let Names { interface, main, event, proxy, .. } = names;
        let constructors = self.constructors(names);
        let accessors = self.accessors(names);
        let methods = numbered(&interface.methods).map(|(number, method)| self.proxy_method(&number, method));
        let type_doc = doc(&[
            format!("A module that implements [`{main}`], in this thread, another one or a process of its own."),
            String::new(),
            "Events wait until [`dispatch`](Self::dispatch) or [`next_event`](Self::next_event) takes them; the".to_owned(),
            "descriptor of the proxy is readable while there are any. No call delivers events.".to_owned(),
        ]);
        let linked = self.linked(names);
        let name = proxy.to_string();
        let link = self.settings.libcamera.then(|| quote! { , ipc::Link<#event> });
        quote! {
            #type_doc
            pub struct #proxy {
                backend: ipc::Backend<dyn #main + Send, #event #link>,
            }

            impl #proxy { #constructors #accessors }

            impl #main for #proxy { #(#methods)* }

            impl std::os::fd::AsFd for #proxy {
                fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
                    self.backend.as_fd()
                }
            }

            impl std::fmt::Debug for #proxy {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(#name).field("mode", &self.mode()).finish_non_exhaustive()
                }
            }

            #linked
        }
    }

    /// What makes a module that is linked in known to a manager.
    fn linked(&self, names: &Names<'_>) -> TokenStream {
        let Names { main, events, event, .. } = names;
        let linked_doc = doc(&[
            format!("Makes a linked-in module that implements [`{main}`] known to a manager:"),
            "[`ipc::manager::Manager::link`].".to_owned(),
            String::new(),
            "`make` is given where the module shall send its events, each time that one is opened."
                .to_owned(),
        ]);
        quote! {
            #linked_doc
            pub fn linked<M>(
                make: impl Fn(Box<dyn #events + Send>) -> M + Send + Sync + 'static,
            ) -> ipc::manager::Linked
            where
                M: #main + Send + 'static,
            {
                ipc::manager::Linked::new(
                    &INTERFACE,
                    move |queue: ipc::EventQueue<#event>| -> Box<dyn #main + Send> {
                        Box::new(make(Box::new(queue)))
                    },
                )
            }
        }
    }

    fn constructors(&self, names: &Names<'_>) -> TokenStream {
        let Names { main, events, .. } = names;
        let libcamera = self.settings.libcamera.then(|| {
            quote! {
                /// Starts `worker`, one of libcamera's own or one that libcamera could start.
                ///
                /// # Errors
                /// [`ipc::ConnectError`] if the worker does not start. That it has no such module, or one of another
                /// interface, only shows when it is called.
                pub fn libcamera(
                    options: &ipc::Options,
                    worker: &ipc::libcamera::Worker,
                ) -> Result<Self, ipc::ConnectError> {
                    Ok(Self { backend: ipc::Backend::libcamera(&INTERFACE, options, worker)? })
                }
            }
        });
        quote! {
            /// Runs the module that `make` builds as a plain object: calls are function calls.
            ///
            /// `make` is given where the module shall send its events.
            ///
            /// # Errors
            /// [`ipc::ConnectError`] if the process is out of descriptors.
            pub fn direct<M>(
                make: impl FnOnce(Box<dyn #events + Send>) -> M,
            ) -> Result<Self, ipc::ConnectError>
            where
                M: #main + Send + 'static,
            {
                let module = |queue| -> Box<dyn #main + Send> { Box::new(make(Box::new(queue))) };
                Ok(Self { backend: ipc::Backend::direct(module)? })
            }

            /// Runs the module that `make` builds in a thread of its own.
            ///
            /// # Errors
            /// [`ipc::ConnectError`] if the thread or its connection cannot be set up.
            pub fn threaded<M>(
                options: &ipc::Options,
                make: impl FnOnce(Box<dyn #events + Send>) -> M + Send + 'static,
            ) -> Result<Self, ipc::ConnectError>
            where
                M: #main,
            {
                let serve = move |endpoint| serve(endpoint, make);
                Ok(Self { backend: ipc::Backend::threaded(&INTERFACE, options, serve)? })
            }

            /// Starts `worker` in a process of its own, which calls [`serve`] there.
            ///
            /// # Errors
            /// [`ipc::ConnectError`] if the worker does not start, or serves another interface.
            pub fn isolated(options: &ipc::Options, worker: &ipc::Worker) -> Result<Self, ipc::ConnectError> {
                Ok(Self { backend: ipc::Backend::isolated(&INTERFACE, options, worker)? })
            }

            /// Runs what a manager has chosen, as it has chosen.
            ///
            /// # Errors
            /// [`ipc::ConnectError`] if that is not possible, or the choice is for another interface. Nothing then runs.
            pub fn open(
                choice: &ipc::manager::Choice,
                options: &ipc::Options,
            ) -> Result<Self, ipc::ConnectError> {
                Ok(Self { backend: ipc::Backend::open(&INTERFACE, choice, options)? })
            }

            #libcamera
        }
    }

    fn accessors(&self, names: &Names<'_>) -> TokenStream {
        let Names { events, event, .. } = names;
        let libcamera = self.settings.libcamera.then(|| {
            quote! {
                /// The connection to a worker of libcamera's kind, if it is one.
                #[must_use]
                pub fn libcamera_connection(&self) -> Option<&ipc::libcamera::Connection<#event>> {
                    self.backend.libcamera_connection()
                }
            }
        });
        let unless = if self.settings.libcamera {
            "The connection to the module, unless it is a plain object or a worker of libcamera's kind."
        } else {
            "The connection to the module, unless it is a plain object."
        };
        let unless = doc(&[unless.to_owned()]);
        quote! {
            /// Where the module runs.
            #[must_use]
            pub fn mode(&self) -> ipc::Mode {
                self.backend.mode()
            }

            /// Takes the oldest event, if there is one.
            ///
            /// # Errors
            /// [`ipc::CallError`] if the module is gone, or an event cannot be read.
            pub fn next_event(&mut self) -> Result<Option<#event>, ipc::CallError> {
                self.backend.next_event()
            }

            /// Delivers the events that are there, oldest first, and returns their number.
            ///
            /// At most [`ipc::DISPATCH_LIMIT`] at a time, so that a module which never stops cannot keep its
            /// caller; the descriptor stays readable if more are there.
            ///
            /// # Errors
            /// [`ipc::CallError`] if the module is gone, or an event cannot be read.
            pub fn dispatch(&mut self, to: &mut dyn #events) -> Result<usize, ipc::CallError> {
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
            pub fn wait(&mut self, deadline: Option<std::time::Instant>) -> Result<bool, ipc::CallError> {
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

            #unless
            #[must_use]
            pub fn connection(&self) -> Option<&ipc::Connection> {
                self.backend.connection()
            }

            #unless
            #[must_use]
            pub fn connection_mut(&mut self) -> Option<&mut ipc::Connection> {
                self.backend.connection_mut()
            }

            #libcamera
        }
    }

    fn proxy_method(&self, number: &Literal, method: &Method) -> TokenStream {
        let signature = self.method_signature(method, &TAKEN);
        let (name, message) = (method_ident(method), message_ident(method));
        let locals: Vec<_> = method.inputs.iter().map(|input| local(input, &TAKEN)).collect();
        let fields = method
            .inputs
            .iter()
            .zip(&locals)
            .map(|(input, local)| initialiser(&value_ident(&input.name), local));
        let request = if locals.is_empty() {
            quote! { request::#message }
        } else {
            quote! { request::#message { #(#fields),* } }
        };
        let call = if method.asynchronous {
            quote! { connection.cast(#number, &#request) }
        } else if method.outputs.is_empty() {
            let libcamera = self.settings.libcamera.then(|| quote! { , |_| Ok(()) });
            quote! { connection.call(#number, &#request, |_| Ok(()) #libcamera) }
        } else {
            let read = read_ident(method);
            let libcamera = self.settings.libcamera.then(|| {
                let read = libcamera_read_ident(method);
                quote! { , reply::#read }
            });
            quote! { connection.call(#number, &#request, reply::#read #libcamera) }
        };
        quote! {
            #signature {
                match &mut self.backend {
                    ipc::Backend::Direct { module, .. } => module.#name(#(#locals),*),
                    ipc::Backend::Remote(connection) => #call,
                }
            }
        }
    }
}
