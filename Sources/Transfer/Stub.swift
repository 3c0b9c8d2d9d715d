enum TransferStub {}
