enum BuilderStub {}
