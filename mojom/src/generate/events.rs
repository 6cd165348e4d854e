//! Events as values, and what sends them.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::paths::is_by_value;
use super::{
    Generator, Names, allow_variant_names, doc, initialiser, local, message_ident, method_ident, numbered,
    value_ident,
};
use crate::model::{Method, Parameter, Type};

/// Names of the code around parameters.
const TAKEN: [&str; 1] = ["to"];

impl Generator<'_> {
    pub(super) fn events(&self, names: &Names<'_>) -> Result<TokenStream, String> {
        let definition = self.event_enum(names)?;
        let decode = self.event_decode(names);
        let deliver = self.event_deliver(names);
        let senders = self.senders(names);
        let libcamera = self.libcamera_events(names);
        Ok(quote! { #definition #deliver #decode #libcamera #senders })
    }

    fn event_enum(&self, names: &Names<'_>) -> Result<TokenStream, String> {
        let Names { interface, main, event, .. } = names;
        let attributes = match &interface.events_name {
            Some(name) if !interface.events.is_empty() => self.type_attributes(&self.full(name))?,
            _ => TokenStream::new(),
        };
        let has_fd =
            interface.events.iter().flat_map(|event| &event.inputs).any(|input| self.model.has_fd(&input.ty));
        let equal = (!has_fd).then(|| quote! { PartialEq, });
        let variants: Vec<_> = interface.events.iter().map(|event| self.variant(event)).collect();
        let variant_names: Vec<_> =
            interface.events.iter().map(|event| message_ident(event).to_string()).collect();
        let allow = allow_variant_names(event, &variant_names);
        let doc = doc(&[format!("An event of [`{main}`], as a value.")]);
        Ok(quote! {
            #doc
            #[derive(Debug, Clone, #equal)]
            #attributes
            #allow
            pub enum #event { #(#variants),* }
        })
    }

    fn variant(&self, event: &Method) -> TokenStream {
        let doc = self.doc_or(&brief(&event.doc), format!("Event `{}`.", event.name));
        let name = message_ident(event);
        let none = TokenStream::new();
        let fields: Vec<_> = event
            .inputs
            .iter()
            .map(|input| {
                let text =
                    crate::docs::parameter(&event.doc, &input.name, &self.doc_names(&|name| self.link(name)));
                let doc = match text {
                    Some(text) => super::doc(&[text]),
                    None => {
                        super::doc(&[format!("`{}`, of type `{}`.", input.name, self.model.mojom(&input.ty))])
                    }
                };
                let (name, ty) = (value_ident(&input.name), self.owned(&input.ty, &none));
                quote! { #doc #name: #ty }
            })
            .collect();
        if fields.is_empty() {
            quote! { #doc #name }
        } else {
            quote! { #doc #name { #(#fields),* } }
        }
    }

    fn event_deliver(&self, names: &Names<'_>) -> TokenStream {
        let Names { interface, event, events, .. } = names;
        let arms = interface.events.iter().map(|event| {
            let (variant, method) = (message_ident(event), method_ident(event));
            let locals: Vec<_> = event.inputs.iter().map(|input| local(input, &TAKEN)).collect();
            let pattern = self.pattern(event, &locals);
            let arguments = event.inputs.iter().zip(&locals).map(|(input, name)| {
                if is_by_value(&input.ty) {
                    quote! { *#name }
                } else {
                    quote! { #name }
                }
            });
            quote! { Self::#variant #pattern => to.#method(#(#arguments),*) }
        });
        let (to, body) = if interface.events.is_empty() {
            (quote! { _ }, quote! { match *self {} })
        } else {
            (quote! { to }, quote! { match self { #(#arms,)* } })
        };
        quote! {
            impl #event {
                /// Calls the method of `to` that is for this event.
                pub fn deliver(&self, #to: &mut dyn #events) {
                    #body
                }
            }
        }
    }

    /// `{ … }` with each parameter of an event under its name in the code around, or nothing.
    pub(super) fn pattern(&self, event: &Method, locals: &[Ident]) -> TokenStream {
        if locals.is_empty() {
            return TokenStream::new();
        }
        let fields = event
            .inputs
            .iter()
            .zip(locals)
            .map(|(input, local)| initialiser(&value_ident(&input.name), local));
        quote! { { #(#fields),* } }
    }

    fn event_decode(&self, names: &Names<'_>) -> TokenStream {
        let Names { interface, event, .. } = names;
        let arms = numbered(&interface.events).map(|(number, event)| {
            let name = message_ident(event);
            if event.inputs.is_empty() {
                return quote! { #number => Ok(Self::#name) };
            }
            let fields = event.inputs.iter().map(|input| {
                let name = value_ident(&input.name);
                let value = self.decode(&input.name, &input.ty, &quote! { input });
                quote! { #name: #value }
            });
            quote! {
                #number => {
                    let wire = input.fixed::<wire::event::#name>()?;
                    Ok(Self::#name { #(#fields),* })
                }
            }
        });
        let has_input = interface.events.iter().any(|event| !event.inputs.is_empty());
        let input = if has_input {
            quote! { input }
        } else {
            quote! { _ }
        };
        let unknown = quote! { Err(ipc::CallError::UnknownEvent { event: number }) };
        let body = if interface.events.is_empty() {
            unknown
        } else {
            quote! { match number { #(#arms,)* _ => #unknown, } }
        };
        quote! {
            impl ipc::Event for #event {
                fn decode(number: u16, #input: &mut native::Decoder<'_>) -> Result<Self, ipc::CallError> {
                    #body
                }
            }
        }
    }

    /// The two ends where a module's events go: a connection, and a queue in the same thread.
    fn senders(&self, names: &Names<'_>) -> TokenStream {
        let Names { interface, event, events, .. } = names;
        let emits = numbered(&interface.events).map(|(number, item)| {
            let signature = self.event_signature(item, &[]);
            let message = message_ident(item);
            let fields = fields(&item.inputs, |name, _| quote! { #name });
            quote! { #signature { self.emit(#number, &event::#message #fields); } }
        });
        let pushes = interface.events.iter().map(|item| {
            let signature = self.event_signature(item, &[]);
            let variant = message_ident(item);
            let fields = fields(&item.inputs, |name, ty| {
                let value = self.to_owned(name, ty);
                if is_by_value(ty) {
                    quote! { #name }
                } else {
                    quote! { #name: #value }
                }
            });
            quote! { #signature { self.push(#event::#variant #fields); } }
        });
        let pushes: Vec<_> = pushes.collect();
        let libcamera = self.settings.libcamera.then(|| {
            quote! { impl #events for ipc::libcamera::Emitter<#event> { #(#pushes)* } }
        });
        quote! {
            impl #events for ipc::Emitter { #(#emits)* }
            impl #events for ipc::EventQueue<#event> { #(#pushes)* }
            #libcamera
        }
    }

    /// An owned value from one that was passed.
    fn to_owned(&self, name: &Ident, ty: &Type) -> TokenStream {
        match ty {
            ty if is_by_value(ty) => quote! { #name },
            Type::String => quote! { #name.to_owned() },
            Type::Array { .. } => quote! { #name.to_vec() },
            ty if self.model.is_copy(ty) => quote! { *#name },
            _ => quote! { #name.clone() },
        }
    }
}

/// `{ … }` with a field for each parameter, or nothing if there are none.
fn fields(parameters: &[Parameter], field: impl Fn(&Ident, &Type) -> TokenStream) -> TokenStream {
    if parameters.is_empty() {
        return TokenStream::new();
    }
    let fields = parameters.iter().map(|parameter| field(&value_ident(&parameter.name), &parameter.ty));
    quote! { { #(#fields),* } }
}

/// The documentation without that of the parameters.
fn brief(text: &crate::ast::Doc) -> crate::ast::Doc {
    let end = text.0.iter().position(|line| crate::docs::is_parameter(line)).unwrap_or(text.0.len());
    crate::ast::Doc(text.0[..end].to_vec())
}
