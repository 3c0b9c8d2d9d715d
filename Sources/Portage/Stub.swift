enum PortageStub {}
