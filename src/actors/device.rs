//! A device as an actor. Its secret never leaves the actor, which only returns proofs.

use std::cell::RefCell;
use std::rc::Rc;

use actix::prelude::*;

use crate::clock::Clock;
use crate::compute::{Compute, Side};
use poolproof_client::{Device, DeviceAnswer, DeviceRequest, DeviceStep};

/// The actor that owns a device.
#[derive(Debug)]
pub(super) struct DeviceActor {
    device: Rc<RefCell<Device>>,
    clock: Clock,
    compute: Compute,
}

impl DeviceActor {
    pub(super) fn new(device: Device, clock: Clock, compute: Compute) -> Self {
        Self { device: Rc::new(RefCell::new(device)), clock, compute }
    }
}

impl Actor for DeviceActor {
    type Context = Context<Self>;
}

/// Asks the device for the next step.
#[derive(Message)]
#[rtype(result = "DeviceAnswer")]
pub(super) struct Ask(pub(super) DeviceRequest);

impl Handler<Ask> for DeviceActor {
    type Result = ResponseFuture<DeviceAnswer>;

    fn handle(&mut self, Ask(ask): Ask, _: &mut Self::Context) -> Self::Result {
        let (device, compute) = (Rc::clone(&self.device), self.compute.clone());
        let mut step = device.borrow_mut().ask(self.clock.now(), ask);
        Box::pin(async move {
            loop {
                match step {
                    DeviceStep::Answer(answer) => return answer,
                    DeviceStep::Compute(job) => {
                        let done = compute.run(Side::Client, job).await;
                        step = device.borrow_mut().resume(done);
                    }
                }
            }
        })
    }
}
