enum TrustStub {}
