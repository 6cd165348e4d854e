//! Constants.

use proc_macro2::TokenStream;
use quote::quote;

use super::Generator;
use crate::model::Type;
use crate::naming::{const_name, ident};

impl Generator<'_> {
    pub(super) fn consts(&self) -> TokenStream {
        let consts = self.module.consts.iter().map(|item| {
            let name = ident(&const_name(&item.name));
            let otherwise = format!("`{}`.", self.full(&item.name));
            let doc = self.doc_of(&item.doc, (&item.name, &name), otherwise);
            let value = self.constant(&item.value, &item.ty);
            let ty = match item.ty {
                Type::String => quote! { &str },
                ref ty => self.owned(ty, &TokenStream::new()),
            };
            quote! { #doc pub const #name: #ty = #value; }
        });
        quote! { #(#consts)* }
    }
}
