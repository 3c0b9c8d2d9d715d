import TestSupport
import Testing

@Test func memoryStoreKeepsTheSeam() async throws {
  try await BlobStoreConformance.run(MemoryBlobStore())
}
