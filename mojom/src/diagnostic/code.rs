//! Every diagnostic that there is, by name.

use std::fmt;

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The interface can be compiled, but there is something that its author should know.
    Warning,
    /// The interface cannot be compiled.
    Error,
}

impl Level {
    /// `warning` or `error`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

macro_rules! codes {
    ($($variant:ident $name:literal $level:ident $summary:literal;)*) => {
        /// Which diagnostic it is. Names stay what they are; `docs/mojom.md` has an example of each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The name, such as `unknown-type`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Whether it is an error or a warning.
            #[must_use]
            pub fn level(self) -> Level {
                match self { $(Self::$variant => Level::$level,)* }
            }

            /// What it means, in a sentence.
            #[must_use]
            pub fn summary(self) -> &'static str {
                match self { $(Self::$variant => $summary,)* }
            }
        }
    };
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

codes! {
    // Files.
    FileNotFound "file-not-found" Error "A file that was named cannot be found.";
    FileUnreadable "file-unreadable" Error "A file cannot be read, or is not UTF-8.";
    CannotWrite "cannot-write" Error "The generated file cannot be written.";
    Configuration "configuration" Error "A setting of the build script makes no sense.";
    DuplicateOutput "duplicate-output" Error "Two files would be compiled to the same file.";
    ExternModule "extern-module" Error "The build script does not say where the types of an imported file are in Rust.";
    TooManyErrors "too-many-errors" Error "The file has so many diagnostics that the rest is left out.";
    // Words.
    IllegalCharacter "illegal-character" Error "A character that has no meaning outside comments and strings.";
    UnterminatedComment "unterminated-comment" Error "A block comment does not end.";
    UnterminatedString "unterminated-string" Error "A string does not end on its line.";
    BadEscape "bad-escape" Error "An escape sequence in a string that does not exist.";
    BadNumber "bad-number" Error "What looks like a number is none: octal, binary, with a suffix, or too large.";
    BadOrdinal "bad-ordinal" Error "`@` without a decimal number of at most 32 bits.";
    // Syntax.
    Syntax "syntax" Error "Something else should stand here.";
    UnclosedBrace "unclosed-brace" Error "A brace is never closed.";
    KeywordAsName "keyword-as-name" Error "A keyword cannot be a name.";
    NestedDefinition "nested-definition" Error "Only constants and enums can be defined inside a struct or an interface.";
    ParameterDefault "parameter-default" Error "Parameters have no default values.";
    ArrayLength "array-length" Error "The length of an array is a decimal number from 1 to 4294967295.";
    MapKey "map-key" Error "A map's key is an integer, a truth value, a string or an enum.";
    HandleKind "handle-kind" Error "There is no such kind of handle.";
    NativeOnly "native-only" Error "A struct or enum without a body has to be marked `[Native]`.";
    NestingLimit "nesting-limit" Error "Types, parentheses, imports or structs nest so deep that it can only be a mistake.";
    RepeatedModule "repeated-module" Error "A second `module` statement.";
    ModulePosition "module-position" Error "The `module` statement comes before everything else.";
    ImportPosition "import-position" Error "Imports come before the definitions.";
    MissingModule "missing-module" Error "The file does not say what module it is.";
    // Imports.
    ImportNotFound "import-not-found" Error "An imported file is in none of the include directories.";
    ImportCycle "import-cycle" Error "A file imports itself, directly or through others.";
    RepeatedImport "repeated-import" Warning "The file is imported already.";
    DuplicateModule "duplicate-module" Error "An imported file has the same module name as the file itself.";
    MissingImport "missing-import" Error "The type exists, but its file is not imported here.";
    // Names.
    DuplicateDefinition "duplicate-definition" Error "Two constants or types have the same name.";
    DuplicateField "duplicate-field" Error "Two fields of a struct have the same name.";
    DuplicateEnumerator "duplicate-enumerator" Error "Two enumerators of an enum have the same name.";
    DuplicateMethod "duplicate-method" Error "Two methods or events of an interface have the same name.";
    DuplicateParameter "duplicate-parameter" Error "Two parameters or results of a method have the same name.";
    CaseClash "case-clash" Error "Two methods differ only in the case of their first letter, so that their messages have the same name.";
    NameClash "name-clash" Error "Two names become the same one in Rust.";
    UnusableName "unusable-name" Error "A name has no counterpart in Rust.";
    CppName "cpp-name" Warning "The name collides with one in the C++ that libcamera generates.";
    UnknownType "unknown-type" Error "No type of this name is known here.";
    NotAType "not-a-type" Error "The name is that of a constant or an interface.";
    UnqualifiedName "unqualified-name" Warning "libcamera finds this type only because of C++'s rules for names.";
    UnqualifiedCoreType "unqualified-core-type" Error "Without its module's name, libcamera does not see that the element carries descriptors or controls.";
    UsedBeforeDefinition "used-before-definition" Warning "The C++ that libcamera generates needs a struct to be defined before it is used.";
    UnknownConstant "unknown-constant" Error "No constant or enumerator of this name is defined before this.";
    // Values.
    ConstType "const-type" Error "A constant is a number, a truth value or a string.";
    TypeMismatch "type-mismatch" Error "The value is of another kind than its type.";
    OutOfRange "out-of-range" Error "The value does not fit its type.";
    ArithmeticOverflow "arithmetic-overflow" Error "An expression exceeds 128 bits, or shifts by an impossible number of bits.";
    DivisionByZero "division-by-zero" Error "An expression divides by zero.";
    DefaultType "default-type" Error "Structs, arrays, maps and handwritten types have no default values to choose.";
    EnumRange "enum-range" Error "The value does not fit the 32 bits of an enum.";
    ReservedEnumValue "reserved-enum-value" Error "The values -128 and -127 are reserved.";
    EnumSameBits "enum-same-bits" Error "Two different numbers are the same in 32 bits.";
    EnumValueClash "enum-value-clash" Warning "Two enumerators have the same value, and it does not look as if that was meant.";
    ExtensibleEnum "extensible-enum" Error "`[Extensible]` needs exactly one enumerator that is `[Default]`, which only exists there.";
    EmptyEnum "empty-enum" Warning "An enum without values: nothing is generated for it.";
    // Types.
    OutsideDialect "outside-dialect" Error "The construct exists in mojom, but has no meaning in libcamera's dialect, nor in Rust.";
    IgnoredDefinition "ignored-definition" Warning "The definition has no meaning in libcamera's dialect; nothing is generated for it.";
    EmptyType "empty-type" Error "A struct without fields or an enum without values cannot be sent.";
    Nullable "nullable" Error "Numbers, truth values and strings cannot be nullable.";
    IgnoredNullable "ignored-nullable" Warning "`?` is without effect: no encoding can tell that a value is absent.";
    IgnoredLength "ignored-length" Warning "The length of an array is without effect: no encoding checks it.";
    PlaneOutsideContainer "plane-outside-container" Error "`FrameBuffer.Plane` can only be the element of an array or map.";
    FlagsWithoutEnum "flags-without-enum" Error "`[flags]` needs an enum.";
    RecursiveStruct "recursive-struct" Error "A struct contains itself.";
    StructSize "struct-size" Error "The fixed part of a struct is larger than a stack should bear.";
    MissingHasFd "missing-has-fd" Warning "libcamera's encoding drops the descriptors in this value, as it is not marked `[hasFd]`.";
    NeedlessHasFd "needless-has-fd" Warning "`[hasFd]` marks a field that has no descriptors inside.";
    UnknownRuntimeType "unknown-runtime-type" Error "The runtime has no type for a struct of core that is marked `[skipHeader]`.";
    // Attributes.
    RepeatedAttribute "repeated-attribute" Error "An attribute is there twice.";
    AttributeValue "attribute-value" Error "The value of an attribute is not one that it can have.";
    ConflictingConditions "conflicting-conditions" Error "`[EnableIf]` and `[EnableIfNot]` exclude each other.";
    UnknownAttribute "unknown-attribute" Warning "No attribute of this name has a meaning.";
    MisplacedAttribute "misplaced-attribute" Warning "The attribute is without effect here.";
    IgnoredAttributeValue "ignored-attribute-value" Warning "The attribute acts by being there, whatever its value.";
    SyncWithoutResponse "sync-without-response" Error "`[Sync]` methods need a response, and `[NoInterrupt]` ones `[Sync]`.";
    MinVersion "min-version" Error "Versions of fields must not decrease, and later fields that are structs or the like must be nullable.";
    Unstable "unstable" Error "What is `[Stable]` may only use what is, and numbers its methods.";
    FieldOrdinals "field-ordinals" Error "The ordinals of a struct's fields are not the numbers from 0 on, each once.";
    IgnoredOrdinal "ignored-ordinal" Warning "The ordinal differs from the field's position, which alone counts.";
    // Interfaces.
    InterfaceName "interface-name" Error "The interface is called neither `<Name>Interface` nor `<Name>EventInterface`.";
    SeveralInterfaces "several-interfaces" Error "A file has one interface, and one for its events.";
    MissingInterface "missing-interface" Error "The interface is missing that the events belong to.";
    MissingEventInterface "missing-event-interface" Error "An IPA interface has an event interface.";
    IgnoredInterface "ignored-interface" Warning "Beside the interface and its events, further ones are ignored.";
    EventInterfaceFirst "event-interface-first" Warning "libcamera names its classes after the first interface of the file.";
    EmptyInterface "empty-interface" Error "An interface has at least one method or event.";
    MethodLimit "method-limit" Error "More methods than their numbers can count.";
    ModuleName "module-name" Error "The module of an IPA is called `ipa.<name>`.";
    MissingMethod "missing-method" Error "An IPA has the methods `init`, `start` and `stop`.";
    StopSignature "stop-signature" Error "The method `stop` of an IPA has neither parameters nor results.";
    AsyncWithResults "async-with-results" Error "An `[async]` method has no results.";
    EventWithResults "event-with-results" Error "An event has no results.";
    RedundantAsync "redundant-async" Warning "Events are asynchronous without being marked.";
    AsyncStop "async-stop" Warning "The C++ that libcamera generates waits for `stop`.";
    ExitMethod "exit-method" Warning "A method `exit` collides with a command of libcamera's protocol.";
    OutputsWithoutInputs "outputs-without-inputs" Warning "libcamera generates broken C++ for results without parameters.";
    StartOutputs "start-outputs" Warning "libcamera generates broken C++ for a `start` that has a return value and further results.";
}
