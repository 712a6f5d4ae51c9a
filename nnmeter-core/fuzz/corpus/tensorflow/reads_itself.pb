

aRelua