//! Fixed parts of the native encoding, as structs of plain bytes.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Generator, doc, mentions, message_ident, value_ident};
use crate::model::{Method, Parameter, StructKind, Type};
use crate::naming::{ident, type_name};

impl Generator<'_> {
    pub(super) fn wire(&self) -> Result<TokenStream, String> {
        let mut parts = TokenStream::new();
        for id in &self.module.structs {
            let structure = self.model.structure(*id);
            if !matches!(structure.kind, StructKind::Generated | StructKind::RuntimeType) {
                continue;
            }
            let name = ident(&type_name(&structure.name));
            if let (StructKind::RuntimeType, Some(path)) = (structure.kind, &self.settings.geometry) {
                let path = self.path(path)?;
                parts.extend(quote! { pub use #path::wire::#name; });
                continue;
            }
            let doc = doc(&[format!("Fixed part of [`{name}`](super::{name}).")]);
            let members: Vec<_> =
                structure.fields.iter().map(|field| (field.name.as_str(), &field.ty)).collect();
            parts.extend(self.part(&doc, &name, &members, &TokenStream::new()));
        }
        if let Some(interface) = &self.module.interface {
            let requests = interface.methods.iter().map(|method| (method, &method.inputs));
            let replies = interface.methods.iter().map(|method| (method, &method.outputs));
            let events = interface.events.iter().map(|event| (event, &event.inputs));
            parts.extend(self.message_parts("request", "parameters of", requests)?);
            parts.extend(self.message_parts("reply", "results of", replies)?);
            parts.extend(self.message_parts("event", "event", events)?);
        }
        if parts.is_empty() {
            return Ok(parts);
        }
        let uses = self.wire_uses(&parts)?;
        Ok(quote! {
            /// Fixed parts of the native encoding. Fields have the names of those that they hold.
            #[allow(missing_docs)]
            pub mod wire {
                #uses
                #parts
            }
        })
    }

    fn message_parts<'m>(
        &self,
        module: &str,
        what: &str,
        messages: impl Iterator<Item = (&'m Method, &'m Vec<Parameter>)>,
    ) -> Result<TokenStream, String> {
        let mut parts = TokenStream::new();
        for (method, parameters) in messages {
            if parameters.is_empty() {
                continue;
            }
            let doc = doc(&[format!("Fixed part of the {what} `{}`.", method.name)]);
            let members: Vec<_> = parameters.iter().map(|p| (p.name.as_str(), &p.ty)).collect();
            parts.extend(self.part(&doc, &message_ident(method), &members, &quote! { super:: }));
        }
        if parts.is_empty() {
            return Ok(parts);
        }
        let uses = self.wire_uses(&parts)?;
        let name = ident(module);
        let doc = doc(&[match module {
            "event" => "Fixed parts of events.".to_owned(),
            "reply" => "Fixed parts of the results of methods.".to_owned(),
            _ => "Fixed parts of the parameters of methods.".to_owned(),
        }]);
        Ok(quote! {
            #doc
            pub mod #name {
                #uses
                #parts
            }
        })
    }

    /// One struct; `own` leads to the fixed parts of this module's structs.
    fn part(
        &self,
        doc: &TokenStream,
        name: &Ident,
        members: &[(&str, &Type)],
        own: &TokenStream,
    ) -> TokenStream {
        let path = format!("{}::zerocopy", self.settings.runtime);
        let fields = members.iter().map(|(name, ty)| {
            let name = value_ident(name);
            let ty = self.fixed(ty, own);
            quote! { pub #name: #ty }
        });
        quote! {
            #doc
            #[derive(Debug, Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
            #[zerocopy(crate = #path)]
            #[repr(C)]
            pub struct #name { #(#fields),* }
        }
    }

    fn wire_uses(&self, body: &TokenStream) -> Result<TokenStream, String> {
        let runtime = self.path(&self.settings.runtime)?;
        let mut uses = self.extern_uses(body)?;
        // In modules within modules the import would count as a use of its own.
        let outer = without_modules(body);
        if mentions(&outer, "native") {
            uses.extend(quote! { use #runtime::serialize::native; });
        }
        if mentions(&outer, "le") {
            uses.extend(quote! { use #runtime::zerocopy::byteorder::little_endian as le; });
        }
        if mentions(&outer, "FromBytes") {
            uses.extend(quote! {
                use #runtime::zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};
            });
        }
        Ok(uses)
    }
}

/// The code without the modules in it.
pub(super) fn without_modules(code: &TokenStream) -> TokenStream {
    use proc_macro2::TokenTree;
    let tokens: Vec<TokenTree> = code.clone().into_iter().collect();
    let is_module = |at: usize| {
        at >= 2
            && matches!(&tokens[at], TokenTree::Group(_))
            && matches!(&tokens[at - 2], TokenTree::Ident(ident) if ident == "mod")
    };
    (0..tokens.len()).filter(|at| !is_module(*at)).map(|at| tokens[at].clone()).collect()
}
