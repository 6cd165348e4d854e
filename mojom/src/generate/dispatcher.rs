//! The dispatcher: from messages back to calls of the module's trait.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::libcamera::{libcamera_read_ident, tuple};
use super::messages::read_ident;
use super::paths::is_by_value;
use super::{Generator, Names, doc, initialiser, local, message_ident, method_ident, numbered, value_ident};
use crate::model::{Method, Parameter, Type};

/// Names of the code around parameters.
const TAKEN: [&str; 4] = ["method", "input", "reply", "call"];

impl Generator<'_> {
    pub(super) fn dispatcher(&self, names: &Names<'_>) -> TokenStream {
        let Names { interface, main, events, dispatcher, .. } = names;
        let arms: Vec<_> = numbered(&interface.methods)
            .map(|(number, method)| {
                let body = self.dispatch_method(method);
                quote! { #number => { #body } }
            })
            .collect();
        let has_inputs = interface.methods.iter().any(|method| !method.inputs.is_empty());
        let input = if has_inputs {
            quote! { mut input }
        } else {
            quote! { input }
        };
        let all_async = interface.methods.iter().all(|method| method.asynchronous);
        let reply = if all_async {
            quote! { _ }
        } else {
            quote! { reply }
        };
        let type_doc = doc(&[format!("Calls a module that implements [`{main}`] as messages demand.")]);
        let serve_doc = doc(&[
            format!(
                "Builds a module that implements [`{main}`] and serves it to the host at `endpoint`, until the"
            ),
            "host is gone.".to_owned(),
            String::new(),
            "`make` is given where the module shall send its events.".to_owned(),
            String::new(),
            "# Errors".to_owned(),
            "[`ipc::ServeError`] if the host wants another interface, or the connection fails.".to_owned(),
        ]);
        let name = dispatcher.to_string();
        let libcamera = self.settings.libcamera.then(|| self.libcamera_dispatcher(names));
        quote! {
            #type_doc
            pub struct #dispatcher<M> {
                module: M,
            }

            impl<M: #main> #dispatcher<M> {
                /// A dispatcher of calls to `module`.
                #[must_use]
                pub fn new(module: M) -> Self {
                    Self { module }
                }
            }

            impl<M> std::fmt::Debug for #dispatcher<M> {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.debug_struct(#name).finish_non_exhaustive()
                }
            }

            impl<M: #main> ipc::Dispatch for #dispatcher<M> {
                fn dispatch(
                    &mut self,
                    method: u16,
                    #input: native::Decoder<'_>,
                    #reply: ipc::Reply<'_>,
                ) -> Result<(), ipc::CallError> {
                    match method {
                        #(#arms)*
                        _ => Err(ipc::CallError::UnknownMethod { method }),
                    }
                }
            }

            #serve_doc
            pub fn serve<M: #main>(
                endpoint: ipc::Endpoint,
                make: impl FnOnce(Box<dyn #events + Send>) -> M,
            ) -> Result<(), ipc::ServeError> {
                endpoint.serve(&INTERFACE, |emitter| #dispatcher::new(make(Box::new(emitter))))
            }

            #libcamera
        }
    }

    fn dispatch_method(&self, method: &Method) -> TokenStream {
        let (name, message, read) = (method_ident(method), message_ident(method), read_ident(method));
        let inputs: Vec<_> = method.inputs.iter().map(|input| local(input, &TAKEN)).collect();
        let read = match &*inputs {
            [] => TokenStream::new(),
            [input] => quote! { let #input = request::#read(&mut input)?; },
            inputs => quote! { let (#(#inputs),*) = request::#read(&mut input)?; },
        };
        let arguments = arguments(method, &inputs);
        let call = quote! { self.module.#name(#(#arguments),*) };
        if method.asynchronous {
            return quote! { #read input.finish()?; #call };
        }
        let (pattern, message) = results(method, &message);
        let bind = match pattern {
            None => quote! { #call?; },
            Some(pattern) => quote! { let #pattern = #call?; },
        };
        quote! { #read input.finish()?; #bind reply.send(&#message) }
    }

    /// Serving a libcamera host.
    fn libcamera_dispatcher(&self, names: &Names<'_>) -> TokenStream {
        let Names { interface, main, events, dispatcher, .. } = names;
        let arms = numbered(&interface.methods).map(|(number, method)| {
            let body = libcamera_method(method);
            quote! { #number => { #body } }
        });
        let doc = doc(&[
            format!(
                "Builds a module that implements [`{main}`] and serves it to the libcamera host at `endpoint`,"
            ),
            "until the host is gone.".to_owned(),
            String::new(),
            "`make` is given where the module shall send its events.".to_owned(),
            String::new(),
            "# Errors".to_owned(),
            "[`ipc::ServeError`] if the connection fails, or the host breaks its rules.".to_owned(),
        ]);
        quote! {
            impl<M: #main> ipc::libcamera::Dispatch for #dispatcher<M> {
                fn dispatch(
                    &mut self,
                    method: u16,
                    mut call: ipc::libcamera::Call<'_>,
                ) -> Result<(), ipc::CallError> {
                    match method {
                        #(#arms)*
                        _ => Err(ipc::CallError::UnknownMethod { method }),
                    }
                }
            }

            #doc
            pub fn serve_libcamera<M: #main>(
                endpoint: ipc::libcamera::Endpoint,
                make: impl FnOnce(Box<dyn #events + Send>) -> M,
            ) -> Result<(), ipc::ServeError> {
                endpoint.serve(&INTERFACE, |emitter| #dispatcher::new(make(Box::new(emitter))))
            }
        }
    }
}

/// The pattern that takes a method's results, if it has any, and the message that sends them.
fn results(method: &Method, message: &Ident) -> (Option<TokenStream>, TokenStream) {
    let outputs: Vec<_> = method.outputs.iter().map(|output| local(output, &TAKEN)).collect();
    match &*outputs {
        [] => (None, quote! { reply::#message }),
        names => {
            let fields = method.outputs.iter().zip(names).map(|(output, local)| {
                let field = value_ident(&output.name);
                if is_by_value(&output.ty) {
                    initialiser(&field, local)
                } else {
                    quote! { #field: &#local }
                }
            });
            let pattern = if let [name] = names {
                quote! { #name }
            } else {
                quote! { (#(#names),*) }
            };
            (Some(pattern), quote! { reply::#message { #(#fields),* } })
        }
    }
}

/// What a method is called with, given variables of these names.
fn arguments(method: &Method, inputs: &[Ident]) -> Vec<TokenStream> {
    let pass = |(input, name): (&Parameter, &Ident)| {
        if is_by_value(&input.ty) {
            quote! { #name }
        } else {
            quote! { &#name }
        }
    };
    method.inputs.iter().zip(inputs).map(pass).collect()
}

/// One call of a libcamera host. It gets a reply even if the module fails: it would wait for one.
fn libcamera_method(method: &Method) -> TokenStream {
    let (name, message, read) = (method_ident(method), message_ident(method), libcamera_read_ident(method));
    let inputs: Vec<_> = method.inputs.iter().map(|input| local(input, &TAKEN)).collect();
    let read = match &*inputs {
        [] => quote! { call.read(|_| Ok(()))?; },
        [input] => quote! { let #input = call.read(request::#read)?; },
        inputs => quote! { let (#(#inputs),*) = call.read(request::#read)?; },
    };
    let arguments = arguments(method, &inputs);
    let run = quote! { self.module.#name(#(#arguments),*) };
    if method.asynchronous {
        return quote! { #read #run };
    }
    let (pattern, message) = results(method, &message);
    let fallbacks = method.outputs.iter().enumerate().map(|(index, output)| {
        let is_status = index == 0 && output.ty == Type::Integer { bits: 32, signed: true };
        if is_status {
            quote! { ipc::libcamera::FAILED }
        } else {
            quote! { Default::default() }
        }
    });
    let fallbacks = tuple(fallbacks);
    let pattern = pattern.map(|pattern| quote! { let #pattern = });
    quote! {
        #read
        #pattern call.results(#run, #fallbacks);
        call.reply(&#message)
    }
}
