"""What the machine does while a run goes on: one sampler on each node, and the energy of the run's window."""
