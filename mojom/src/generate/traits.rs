//! The trait of the module and that of its events.

use proc_macro2::TokenStream;
use quote::quote;

use super::paths::allow_complex;
use super::{Generator, Names, doc, local, method_ident};
use crate::model::{Method, Parameter};

impl Generator<'_> {
    pub(super) fn traits(&self, names: &Names<'_>) -> TokenStream {
        let Names { interface, main, events, .. } = names;
        let full = self.full(&interface.name);
        let main_doc = self.doc_of(&interface.doc, (&full, main), format!("`{full}`."));
        let methods = interface.methods.iter().map(|method| {
            let doc = self.method_doc(method);
            let signature = self.method_signature(method, &[]);
            quote! { #doc #signature; }
        });
        let events_name = interface.events_name.as_ref().map_or(&interface.name, |name| name);
        let events_doc =
            self.doc_or(&interface.events_doc, format!("The events of `{}`.", self.full(events_name)));
        let event_methods = interface.events.iter().map(|event| {
            let otherwise = format!("Event `{}`.", event.name);
            let doc = self.doc_of(&event.doc, (&event.name, &method_ident(event)), otherwise);
            let signature = self.event_signature(event, &[]);
            quote! { #doc #signature; }
        });
        quote! {
            #main_doc
            pub trait #main { #(#methods)* }
            #events_doc
            pub trait #events { #(#event_methods)* }
        }
    }

    fn method_doc(&self, method: &Method) -> TokenStream {
        let otherwise = format!("Method `{}`.", method.name);
        let text = self.doc_of(&method.doc, (&method.name, &method_ident(method)), otherwise);
        let mut notes = Vec::new();
        if method.asynchronous {
            notes.extend([String::new(), "Returns before the module has done it.".to_owned()]);
        }
        if let [_, _, ..] = &*method.outputs {
            let results: Vec<_> =
                method.outputs.iter().map(|output| format!("`{}`", local(output, &[]))).collect();
            notes.extend([String::new(), format!("The results are ({}).", results.join(", "))]);
        }
        notes.extend([
            String::new(),
            "# Errors".to_owned(),
            "[`ipc::CallError`] if the module cannot be reached, or what it says cannot be read.".to_owned(),
        ]);
        let notes = doc(&notes);
        quote! { #text #notes }
    }

    /// A method without its body; parameters of the names `taken` get other ones.
    pub(super) fn method_signature(&self, method: &Method, taken: &[&str]) -> TokenStream {
        let name = method_ident(method);
        let parameters = self.parameter_list(&method.inputs, taken);
        let results = self.results(&method.outputs);
        let (allow, allow_types) = (allow_many(&method.inputs), allow_types(&method.inputs, &method.outputs));
        quote! { #allow #allow_types fn #name(&mut self, #parameters) -> Result<#results, ipc::CallError> }
    }

    /// An event's method without its body.
    pub(super) fn event_signature(&self, event: &Method, taken: &[&str]) -> TokenStream {
        let name = method_ident(event);
        let parameters = self.parameter_list(&event.inputs, taken);
        let (allow, allow_types) = (allow_many(&event.inputs), allow_types(&event.inputs, &[]));
        quote! { #allow #allow_types fn #name(&mut self, #parameters) }
    }

    fn parameter_list(&self, parameters: &[Parameter], taken: &[&str]) -> TokenStream {
        let none = TokenStream::new();
        let parameters = parameters.iter().map(|parameter| {
            let name = local(parameter, taken);
            let ty = self.passed(&parameter.ty, &none, &none);
            quote! { #name: #ty }
        });
        quote! { #(#parameters),* }
    }

    /// What a method returns when all goes well.
    fn results(&self, outputs: &[Parameter]) -> TokenStream {
        let none = TokenStream::new();
        let types: Vec<_> = outputs.iter().map(|output| self.owned(&output.ty, &none)).collect();
        match &*types {
            [ty] => ty.clone(),
            types => quote! { (#(#types),*) },
        }
    }
}

/// As [`allow_complex`], of the types of parameters and results.
pub(super) fn allow_types(inputs: &[Parameter], outputs: &[Parameter]) -> Option<TokenStream> {
    let inputs: Vec<_> = inputs.iter().map(|parameter| &parameter.ty).collect();
    let outputs: Vec<_> = outputs.iter().map(|parameter| &parameter.ty).collect();
    allow_complex(&inputs, &outputs)
}

/// The lint against long lists of parameters, where the interface has one.
fn allow_many(parameters: &[Parameter]) -> Option<TokenStream> {
    // `self` counts as one of the seven that are fine.
    (parameters.len() > 6).then(|| quote! { #[allow(clippy::too_many_arguments)] })
}
