//! Mutations.

mod account;
mod command;
mod device_input;
mod devices;
mod receipt;
mod registry;

pub(crate) use account::AccountMutation;
pub(crate) use command::Patience;
pub(crate) use devices::DeviceMutation;
pub(crate) use registry::RegistryMutation;
