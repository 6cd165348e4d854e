//! From the model to Rust.
//!
//! One file for each kind of thing that is generated. Names from mojom are types, values or modules in
//! Rust just as they are in the interface, so generated code refers to everything else through modules
//! (`ipc::`, `native::`), whose lower-case names no type can take.

mod consts;
mod dispatcher;
mod enums;
mod events;
mod format;
mod libcamera;
mod messages;
mod paths;
mod proxy;
mod structs;
mod traits;
mod wire;

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use quote::quote;
use syn::parse::Parser as _;

use crate::ast::Doc;
use crate::docs;
use crate::hash;
use crate::model::{Interface, Method, Model, Module, ModuleId, Parameter};
use crate::naming::{self, ident, value_name};

/// How generated code is to refer to the code around it.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// Path of the crate that generated code calls.
    pub(crate) runtime: String,
    /// Rust path of the types of each imported module.
    pub(crate) externs: BTreeMap<String, String>,
    /// Whether to generate libcamera's encoding too, and what speaks it.
    pub(crate) libcamera: bool,
    /// Path of the module that has the encodings of the geometric types, if this one shall not.
    pub(crate) geometry: Option<String>,
    /// Attributes and the types that get them.
    pub(crate) type_attributes: Vec<(String, String)>,
}

/// The Rust source for one module; an error is a message about the settings.
pub(crate) fn generate(model: &Model, id: ModuleId, settings: &Settings) -> Result<String, String> {
    let generator = Generator { model, id, module: &model.modules[id.0], settings };
    // Later steps rely on these being paths.
    for path in settings.externs.values().chain([&settings.runtime]).chain(&settings.geometry) {
        generator.path(path)?;
    }
    let body = generator.body()?;
    let uses = generator.uses(&body)?;
    format::file(&generator.header(), quote! { #uses #body })
}

/// Generates the code of one module.
struct Generator<'a> {
    model: &'a Model,
    id: ModuleId,
    module: &'a Module,
    settings: &'a Settings,
}

/// The interface of a file with the names that things around it have.
struct Names<'a> {
    interface: &'a Interface,
    /// The trait that modules implement.
    main: Ident,
    /// The trait that takes events.
    events: Ident,
    /// The enum of events.
    event: Ident,
    proxy: Ident,
    dispatcher: Ident,
}

impl Generator<'_> {
    fn header(&self) -> String {
        let mut header = format!(
            "// Types and calls of the mojom module `{}`, generated from `{}`. Changes belong there.\n",
            self.module.name, self.module.file
        );
        let lines = docs::markdown(&self.module.doc, &docs::Names::of_mojom());
        for line in lines.first().map(|_| String::new()).into_iter().chain(lines) {
            header.push_str(format!("// {line}").trim_end());
            header.push('\n');
        }
        header
    }

    fn body(&self) -> Result<TokenStream, String> {
        let mut body = self.consts();
        for id in &self.module.enums {
            body.extend(self.enumeration(*id)?);
        }
        for id in &self.module.structs {
            body.extend(self.structure(*id)?);
        }
        if let Some(interface) = &self.module.interface {
            let stem = naming::type_name(naming::stem(&interface.name));
            let name = |suffix: &str| ident(&format!("{stem}{suffix}"));
            let names = Names {
                interface,
                main: name(""),
                events: name("Events"),
                event: name("Event"),
                proxy: name("Proxy"),
                dispatcher: name("Dispatcher"),
            };
            body.extend(self.description(&names));
            body.extend(self.traits(&names));
            body.extend(self.events(&names)?);
            body.extend(self.proxy(&names));
            body.extend(self.dispatcher(&names));
            body.extend(self.messages(interface));
        }
        body.extend(self.wire()?);
        Ok(body)
    }

    /// The imports that `body` needs, those of its modules left out.
    fn uses(&self, body: &TokenStream) -> Result<TokenStream, String> {
        let runtime = self.path(&self.settings.runtime)?;
        let mut uses = TokenStream::new();
        let outer = wire::without_modules(body);
        if mentions(&outer, "BTreeMap") {
            uses.extend(quote! { use std::collections::BTreeMap; });
        }
        uses.extend(self.extern_uses(body)?);
        for module in ["ipc", "serialize"] {
            if mentions(&outer, module) {
                let module = ident(module);
                uses.extend(quote! { use #runtime::#module; });
            }
        }
        if mentions(&outer, "native") {
            uses.extend(quote! { use #runtime::serialize::native; });
        }
        Ok(uses)
    }

    /// The imports of other interfaces' types that `body` needs, those of its modules left out.
    fn extern_uses(&self, body: &TokenStream) -> Result<TokenStream, String> {
        let outer = wire::without_modules(body);
        let mut uses = TokenStream::new();
        let mut seen = BTreeSet::new();
        for module in &self.model.modules {
            let Some(path) = self.settings.externs.get(&module.name) else { continue };
            let (alias, path) = (self.alias(&module.name), self.path(path)?);
            if module.name == self.module.name
                || !mentions(&outer, &alias.to_string())
                || !seen.insert(&module.name)
            {
                continue;
            }
            let is_plain = path.to_string().split_whitespace().last() == Some(&*alias.to_string());
            uses.extend(if is_plain {
                quote! { use #path; }
            } else {
                quote! { use #path as #alias; }
            });
        }
        Ok(uses)
    }

    fn path(&self, text: &str) -> Result<TokenStream, String> {
        syn::parse_str::<syn::Path>(text)
            .map(|path| quote! { #path })
            .map_err(|_| format!("`{text}` is no path to a Rust module"))
    }

    /// `INTERFACE`: what both ends compare.
    fn description(&self, names: &Names<'_>) -> TokenStream {
        let interface = names.interface;
        let name = format!("{}.{}", self.module.name, interface.name);
        let hash: TokenStream = grouped_hex(hash::hash(self.model, self.module, interface));
        let methods = interface.methods.iter().map(|method| {
            let (name, asynchronous) = (&method.name, method.asynchronous);
            quote! { ipc::Method { name: #name, asynchronous: #asynchronous } }
        });
        let events = interface.events.iter().map(|event| &event.name);
        let doc = doc(&[format!("What both ends of a connection have to agree on for [`{}`].", names.main)]);
        quote! {
            #doc
            pub static INTERFACE: ipc::Interface = ipc::Interface {
                name: #name,
                hash: #hash,
                methods: &[#(#methods),*],
                events: &[#(#events),*],
            };
        }
    }

    /// The user's attributes for the type of this full mojom name.
    fn type_attributes(&self, name: &str) -> Result<TokenStream, String> {
        let mut out = TokenStream::new();
        for (pattern, text) in &self.settings.type_attributes {
            if !matches(pattern, name) {
                continue;
            }
            let attributes = syn::Attribute::parse_outer
                .parse_str(text)
                .map_err(|error| format!("`{text}` is no attribute: {error}"))?;
            out.extend(quote! { #(#attributes)* });
        }
        Ok(out)
    }

    fn full(&self, name: &str) -> String {
        format!("{}.{name}", self.module.name)
    }

    /// Documentation of an item, or `otherwise` if the interface says nothing about it.
    fn doc_or(&self, text: &Doc, otherwise: String) -> TokenStream {
        let lines = docs::markdown(text, &self.doc_names(&|name| self.link(name)));
        if docs::is_empty(text) { doc(&[otherwise]) } else { doc(&lines) }
    }

    /// What names in comments are called in Rust, with `link` to find the items among them.
    fn doc_names<'n>(&self, link: &'n dyn Fn(&str) -> Option<String>) -> docs::Names<'n> {
        docs::Names { parameter: &value_name, item: link }
    }

    /// The path of an item that a comment refers to.
    fn link(&self, reference: &str) -> Option<String> {
        docs::link(self.model, self.id, &self.settings.externs, reference)
    }
}

/// Whether a type attribute's pattern selects the type: `.` all, `.a.b` the type or module `a.b`, `b`
/// whatever ends in it.
fn matches(pattern: &str, name: &str) -> bool {
    let is_end = |rest: &str| rest.is_empty() || rest.starts_with('.');
    match pattern.strip_prefix('.') {
        Some("") => true,
        Some(prefix) => name.strip_prefix(prefix).is_some_and(is_end),
        None => name.strip_suffix(pattern).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')),
    }
}

/// Documentation, one line each.
fn doc(lines: &[String]) -> TokenStream {
    let lines = lines.iter().map(|line| if line.is_empty() { String::new() } else { format!(" {line}") });
    quote! { #(#[doc = #lines])* }
}

/// Whether the code uses the type or the module of this name, other than as a part of a longer path.
fn mentions(code: &TokenStream, name: &str) -> bool {
    let tokens: Vec<TokenTree> = code.clone().into_iter().collect();
    let mark = |at: usize, mark: char| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == mark);
    let is_type = name.starts_with(|c: char| c.is_ascii_uppercase());
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => mentions(&group.stream(), name),
        TokenTree::Ident(ident) if ident == name => {
            let is_path = mark(at + 1, ':') && mark(at + 2, ':');
            let is_start = at == 0 || !(mark(at - 1, ':') && at > 1 && mark(at - 2, ':'));
            is_start && (is_path || is_type)
        }
        _ => false,
    })
}

/// Methods or events with their numbers, which are counted from 1 and have no suffix.
fn numbered(methods: &[Method]) -> impl Iterator<Item = (Literal, &Method)> {
    (1..).map(Literal::u16_unsuffixed).zip(methods)
}

/// A number as `0x0123_4567_89ab_cdef`.
fn grouped_hex(number: u64) -> TokenStream {
    let digits = format!("{number:016x}");
    let text = format!("0x{}_{}_{}_{}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..]);
    text.parse().expect("digits are a literal")
}

/// The name of a parameter where `taken` are names of the code around it.
fn local(parameter: &Parameter, taken: &[&str]) -> Ident {
    let name = value_name(&parameter.name);
    if taken.contains(&name.as_str()) { ident(&format!("{name}_")) } else { ident(&name) }
}

/// `name`, or `name: value` where they differ.
fn initialiser(name: &Ident, value: &Ident) -> TokenStream {
    if name == value {
        quote! { #name }
    } else {
        quote! { #name: #value }
    }
}

/// A method's name in Rust.
fn method_ident(method: &Method) -> Ident {
    ident(&value_name(&method.name))
}

/// A field's or parameter's name in Rust.
fn value_ident(name: &str) -> Ident {
    ident(&value_name(name))
}

/// The name that messages of a method or event have in Rust.
fn message_ident(method: &Method) -> Ident {
    ident(&naming::variant_name(&method.name))
}

/// The lint against variants that share a word, or have one of their enum's, where the interface says so.
fn allow_variant_names(of: &Ident, variants: &[String]) -> TokenStream {
    use heck::ToSnakeCase as _;
    let words = |name: &str| -> Vec<String> { name.to_snake_case().split('_').map(str::to_owned).collect() };
    let own = words(&of.to_string());
    let variants: Vec<_> = variants.iter().map(|name| words(name)).collect();
    let has_own = variants.iter().any(|words| words.starts_with(&own) || words.ends_with(&own));
    let shared = |word: fn(&Vec<String>) -> Option<&String>| {
        variants.iter().map(word).all(|found| found == variants.first().and_then(word))
    };
    let share = variants.len() >= 3 && (shared(|words| words.first()) || shared(|words| words.last()));
    if has_own || share {
        quote! { #[allow(clippy::enum_variant_names)] }
    } else {
        TokenStream::new()
    }
}
