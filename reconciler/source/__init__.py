"""Where specs come from: a git repository as commits, trees and blobs, and word of its changes."""
