//! Mutations.

mod access;
mod account;
mod captures;
mod command;
mod credits;
mod device_certificates;
mod device_input;
mod devices;
mod injection_days;
mod receipt;
mod registry;
mod targets;
mod well_input;
mod wells;

pub(crate) use access::AccessMutation;
pub(crate) use account::{
    AccountMutation, InvitationMutation, RegistrationMutation, SecondFactorMutation,
    SessionMutation,
};
pub(crate) use captures::CaptureMutation;
pub(crate) use command::{Patience, sender, sent_by};
pub(crate) use credits::CreditMutation;
pub(crate) use device_certificates::DeviceCertificateMutation;
pub(crate) use devices::DeviceMutation;
pub(crate) use injection_days::InjectionDayMutation;
pub(crate) use registry::RegistryMutation;
pub(crate) use targets::TargetMutation;
pub(crate) use wells::WellMutation;
