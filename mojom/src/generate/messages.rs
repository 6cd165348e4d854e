//! Messages: what a call, a reply or an event consists of, borrowed for sending and owned once read.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::traits::allow_tuple;
use super::wire::without_modules;
use super::{Generator, doc, mentions, message_ident, value_ident};
use crate::model::{Interface, Method, Parameter};
use crate::naming::{ident, value_name};

/// The three kinds of messages, each in a module of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Reply,
    Event,
}

impl Kind {
    fn module(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Reply => "reply",
            Self::Event => "event",
        }
    }

    fn about(self, name: &str) -> String {
        match self {
            Self::Request => format!("Parameters of `{name}`."),
            Self::Reply => format!("Results of `{name}`."),
            Self::Event => format!("Event `{name}`."),
        }
    }
}

impl Generator<'_> {
    pub(super) fn messages(&self, interface: &Interface) -> TokenStream {
        let requests = interface.methods.iter().map(|method| self.message(Kind::Request, method)).collect();
        let synchronous = interface.methods.iter().filter(|method| !method.asynchronous);
        let replies = synchronous.map(|method| self.message(Kind::Reply, method)).collect();
        let events = interface.events.iter().map(|event| self.message(Kind::Event, event)).collect();
        let requests =
            self.message_module(Kind::Request, "Parameters of the methods, as they are sent.", requests);
        let replies = self.message_module(Kind::Reply, "Results of the methods, as they are sent.", replies);
        let events = self.message_module(Kind::Event, "Events, as they are sent.", events);
        quote! { #requests #replies #events }
    }

    fn message_module(&self, kind: Kind, text: &str, body: TokenStream) -> TokenStream {
        if body.is_empty() {
            return body;
        }
        let name = ident(kind.module());
        let runtime = self.path(&self.settings.runtime).expect("`generate` has checked the path");
        let mut uses = TokenStream::new();
        if mentions(&body, "BTreeMap") {
            uses.extend(quote! { use std::collections::BTreeMap; });
        }
        uses.extend(self.extern_uses(&body).expect("`generate` has checked the paths"));
        if mentions(&without_modules(&body), "serialize") {
            uses.extend(quote! { use #runtime::serialize; });
        }
        uses.extend(quote! { use #runtime::serialize::native; });
        let doc = doc(&[text.to_owned()]);
        quote! {
            #doc
            mod #name {
                #uses
                #body
            }
        }
    }

    fn message(&self, kind: Kind, method: &Method) -> TokenStream {
        let parameters = if kind == Kind::Reply { &method.outputs } else { &method.inputs };
        let name = message_ident(method);
        let doc = doc(&[kind.about(&method.name)]);
        let own = quote! { super:: };
        let fields: Vec<_> = parameters
            .iter()
            .map(|parameter| {
                let name = value_ident(&parameter.name);
                let ty = self.passed(&parameter.ty, &own, &quote! { 'a });
                quote! { pub(super) #name: #ty }
            })
            .collect();
        let is_borrowed = parameters.iter().any(|parameter| !super::paths::is_by_value(&parameter.ty));
        let (lifetime, elided) =
            if is_borrowed { (quote! { <'a> }, quote! { <'_> }) } else { Default::default() };
        let definition = if fields.is_empty() {
            quote! { pub(super) struct #name; }
        } else {
            quote! { pub(super) struct #name #lifetime { #(#fields),* } }
        };
        let module = ident(kind.module());
        let members: Vec<_> = parameters.iter().map(|p| (p.name.as_str(), &p.ty)).collect();
        let encode =
            self.encode_impl(&quote! { #name #elided }, &quote! { super::wire::#module::#name }, &members);
        let libcamera = self.libcamera_message(kind, method, parameters, &quote! { #name #elided });
        // Events are read into the variants of their enum.
        let read =
            (!parameters.is_empty() && kind != Kind::Event).then(|| self.read(kind, method, parameters));
        quote! { #doc #definition #encode #read #libcamera }
    }

    fn read(&self, kind: Kind, method: &Method, parameters: &[Parameter]) -> TokenStream {
        let doc = doc(&[format!(
            "Reads the {} `{}`.",
            if kind == Kind::Reply { "results of" } else { "parameters of" },
            method.name
        )]);
        let name = read_ident(method);
        let allow = allow_tuple(parameters);
        let (module, message) = (ident(kind.module()), message_ident(method));
        let own = quote! { super:: };
        let types: Vec<_> = parameters.iter().map(|parameter| self.owned(&parameter.ty, &own)).collect();
        let read = |parameter: &Parameter| self.decode(&parameter.name, &parameter.ty, &quote! { input });
        let (ty, result) = match (&*types, parameters) {
            ([ty], [parameter]) => {
                (ty.clone(), self.decode_result(&parameter.name, &parameter.ty, &quote! { input }))
            }
            _ => {
                let values = parameters.iter().map(read);
                (quote! { (#(#types),*) }, quote! { Ok((#(#values),*)) })
            }
        };
        quote! {
            #doc
            #allow
            pub(super) fn #name(input: &mut native::Decoder<'_>) -> Result<#ty, native::DecodeError> {
                let wire = input.fixed::<super::wire::#module::#message>()?;
                #result
            }
        }
    }
}

/// The function that reads a request or reply.
pub(super) fn read_ident(method: &Method) -> proc_macro2::Ident {
    format_ident!("read_{}", value_name(&method.name))
}
