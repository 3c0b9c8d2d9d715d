enum PeerNetworkStub {}
