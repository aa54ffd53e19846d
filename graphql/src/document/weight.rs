//! What parts of a document weigh.

/// What a selection comes to, fragments included.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Weight {
    pub(super) fields: u64,
    /// Of its first level.
    pub(super) root_fields: u64,
    pub(super) aliases: u64,
    pub(super) directives: u64,
    /// Selections within selections.
    pub(super) height: usize,
    /// Lists within lists, if this is the schema's description.
    pub(super) lists: u64,
    /// Whether the schema's description is asked for.
    pub(super) introspects: bool,
}

impl Weight {
    /// A field, a spread or an inline fragment.
    pub(super) fn step() -> Self {
        let fields = 1;
        Self {
            fields,
            ..Self::default()
        }
    }

    pub(super) fn add(&mut self, other: Self) {
        self.fields = self.fields.saturating_add(other.fields);
        self.root_fields = self.root_fields.saturating_add(other.root_fields);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.directives = self.directives.saturating_add(other.directives);
        self.height = self.height.max(other.height);
        self.lists = self.lists.max(other.lists);
        self.introspects |= other.introspects;
    }
}
