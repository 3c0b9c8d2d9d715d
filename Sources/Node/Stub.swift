enum NodeStub {}
