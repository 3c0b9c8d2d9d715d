enum BinhostStub {}
