enum NetworkStub {}
