enum CloudStub {}
