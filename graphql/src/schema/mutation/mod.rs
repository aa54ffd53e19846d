//! Mutations.

mod account;
mod captures;
mod command;
mod credits;
mod device_input;
mod devices;
mod receipt;
mod registry;
mod targets;

pub(crate) use account::AccountMutation;
pub(crate) use captures::CaptureMutation;
pub(crate) use command::Patience;
pub(crate) use credits::CreditMutation;
pub(crate) use devices::DeviceMutation;
pub(crate) use registry::RegistryMutation;
pub(crate) use targets::TargetMutation;
