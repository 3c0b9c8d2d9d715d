enum DHTStub {}
