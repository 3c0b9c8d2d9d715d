enum EmergeStub {}
